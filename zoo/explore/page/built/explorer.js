/*
With htm (Copyright 2018 Google Inc., Apache-2.0) and Preact, whose licence is:

The MIT License (MIT)

Copyright (c) 2015-present Jason Miller

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
(()=>{var k,_t,In,X,We,Se,bt,Me,yt,Fe,He,Wn,ge=Symbol.for("pv"),Ce={},qe=[],Hn=/^m(i|n|o|s|text|space)$/,Ue=Array.isArray,Be=qe.slice,re=Object.assign;function oe(e){e&&e.parentNode&&e.remove()}function ze(e,t,n){var o,r,s,a={},i=arguments.length;for(s in t)s=="key"?o=t[s]:s=="ref"&&typeof e!="function"?r=t[s]:a[s]=t[s];return i>2&&(a.children=i>3?Be.call(arguments,2):n),fe(e,a,o,r,null)}function fe(e,t,n,o,r){var s={type:e,props:t,key:n,ref:o,__k:null,__:null,__b:0,__e:null,__c:null,constructor:ge,__v:r||++_t,__i:-1,__u:0};return!r&&k.vnode&&k.vnode(s),s}function Te(e){return e.children}function pe(e,t){this.props=e,this.context=t,this.__g=0}function J(e,t){if(t==null)return e.__&&J(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:J(e)}function Fn(e){var t,n=e.__v,o=n.__e,r=[],s=[],a=e.__P;a&&((t=re({constructor:ge},n)).__v=n.__v+1,k.vnode&&k.vnode(t),Ve(a,t,n,e.__n,a.namespaceURI,32&n.__u?[o]:null,r,o||J(n),32&n.__u,s),t.__v=n.__v,t.__.__k[t.__i]=t,At(r,t,s),n.__=n.__e=null,t.__e!=o&&vt(t))}function vt(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),vt(e)}function gt(e){(8&e.__g||(e.__g|=8,X.push(e),Se++))&&We==k.debounceRendering||((We=k.debounceRendering)||queueMicrotask)(xt)}function xt(){try{for(var e,t=1;X.length;)X.length>t&&X.sort(bt),e=X.shift(),t=X.length,8&e.__g&&Fn(e)}finally{(Se=X.length)&&(We||queueMicrotask)(xt)}}function wt(e,t,n,o,r,s,a,i,l,d,m){var u,p,c,f,g,b,w=o.__k||qe,x=t.length;for(l=Un(n,t,w,l,x),u=0;u<x;u++)(c=n.__k[u])!=null&&(p=~c.__i&&w[c.__i]||Ce,c.__i=u,b=Ve(e,c,p,r,s,a,i,l,d,m),f=c.__e,(p.ref!=c.ref||8&p.__u)&&(p.ref&&Ke(p.ref,null,c,p),c.ref&&m.push(c.ref,c.__c||f,c)),g=g||f,4&c.__u?(l=kt(c,l,e,!p.__v),p.__e&&(p.__e=null)):typeof c.type=="function"&&b!==void 0?l=b:f&&(l=f.nextSibling),c.__u&=-21);return n.__e=g,l}function Un(e,t,n,o,r){var s,a,i,l,d,m,u,p,c,f=n.length,g=f,b=0,w=0,x=e.__k=Array(r);for(s=0;s<r;s++)(a=t[s])!=null&&typeof a!="boolean"&&typeof a!="function"?(typeof a!="object"||a.constructor===String?a=x[s]=fe(null,a):Ue(a)?a=x[s]=fe(Te,{children:a}):a.constructor===ge&&a.__b?a=x[s]=fe(a.type,a.props,a.key,a.ref,a.__v):x[s]=a,l=s+b,a.__=e,a.__b=e.__b+1,i=null,~(d=a.__i=Bn(a,n,l,g))&&(g--,(i=n[d])&&(i.__u|=2)),i&&i.__v?(a.__u|=16,d==l-1?b--:d==l+1?b++:d!=l&&(d>l?b--:b++,w=1)):(~d||(r>f?b--:r<f&&b++),typeof a.type!="function"&&(a.__u|=4))):x[s]=null;if(w){for(m=[],u=[],s=0;s<r;s++)if((a=x[s])&&16&a.__u){for(b=0,p=m.length;b<p;)m[c=b+p>>1]<a.__i?b=c+1:p=c;m[b]=a.__i,u[s]=b+1}for(b=m.length;s--;)u[s]&&(u[s]==b?b--:x[s].__u|=4)}if(g)for(s=0;s<f;s++)!(i=n[s])||2&i.__u||(i.__e==o&&(o=J(i)),Qe(i,i));return o}function kt(e,t,n,o){var r,s,a,i;if(typeof e.type=="function"){if(e.props.__P)return t;if(r=e.__k)for(s=0;s<r.length;s++)r[s]&&(r[s].__=e,t=kt(r[s],t,n,!1));return t}for(t&&!t.parentNode&&(t=J(e))&&!t.parentNode&&(t=null),a=e.__e,i=t;i&&i.nodeType==8;)i=i.nextSibling;for(a!=i&&(!o&&n.moveBefore&&a.parentNode?n.moveBefore(a,t):n.insertBefore(a,t||null)),t=a;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function Bn(e,t,n,o){var r,s=e.key,a=e.type,i=t[n],l=i&&!(2&i.__u);if(i===null&&s==null||l&&s==i.key&&a==i.type)return n;if(o>(l?1:0)){for(r=n-1;r>=0;r--)if((i=t[r])&&!(2&i.__u)&&s==i.key&&a==i.type)return r;for(r=n+1;r<t.length;r++)if((i=t[r])&&!(2&i.__u)&&s==i.key&&a==i.type)return r}return-1}function $t(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function ke(e,t,n,o,r){var s,a;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof o=="string"&&(e.style.cssText=o=""),o)for(t in o)n&&t in n||$t(e.style,t);if(n)for(t in n)o&&n[t]==o[t]||$t(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof o!="function"&&(o=null),(e.__e||(e.__e={}))[t]=n,n&&o||(a=He[t]||(He[t]=zn(t)),(e.__a||(e.__a={}))[t]=Fe,s=t!=(t=t.replace(yt,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,a,s):e.removeEventListener(t,a,s));else{if(r=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function zn(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[Me]==null)t[Me]=Fe++;else if(t[Me]<this.__a[e])return;return n(k.event?k.event(t):t)}}}function Ve(e,t,n,o,r,s,a,i,l,d){var m,u,p,c,f,g,b,w,x,S,M,E,I,z,j,pt,G,ne,V=t.type;if(t.constructor!==ge)return null;128&n.__u&&(l=32&n.__u,m=n.__c.__z)&&(t.__u|=l,u=s=[],m.nodeType==8?i=Ae(m,s):s.push(m),i=s[0]||i),(m=k.__b)&&m(t);e:if(typeof V=="function"){p=a.length;try{if(w=t.props,x=(m=V.prototype)&&m.render,S=(m=V.contextType)&&o[m.__c],M=m?S?S.props.value:m.__:o,(c=n.__c)?(t.__c=c,2&c.__g&&(c.__g|=1)):(x?t.__c=c=new V(w,M):(t.__c=c=new pe(w,M),c.constructor=V,c.render=Kn),S&&S.sub(c),c.state||(c.state={}),c.__n=o,c.__g|=8,c.__h=[],c.__k=[]),x&&(c.__s||(c.__s=c.state),V.getDerivedStateFromProps&&(c.__s==c.state&&(c.__s=re({},c.__s)),re(c.__s,V.getDerivedStateFromProps(w,c.__s)))),f=c.props,g=c.state,c.__v=t,n.__c){if(w!==f&&x&&!V.getDerivedStateFromProps&&c.componentWillReceiveProps&&c.componentWillReceiveProps(w,M),t.__v==n.__v&&!(8&c.__g)||!(4&c.__g)&&c.shouldComponentUpdate&&c.shouldComponentUpdate(w,c.__s,M)===!1){t.__v!=n.__v&&(c.props=w,c.state=c.__s,c.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(R){R&&(R.__=t)}),qe.push.apply(c.__h,c.__k),c.__k=[],c.__h.length&&a.push(c),i=J(n);break e}c.componentWillUpdate&&c.componentWillUpdate(w,c.__s,M),x&&c.componentDidUpdate&&c.__h.push(function(){c.componentDidUpdate(f,g,b)})}else x&&!V.getDerivedStateFromProps&&c.componentWillMount&&c.componentWillMount(),x&&c.componentDidMount&&c.__h.push(c.componentDidMount);c.context=M,c.props=w,c.__P=e,c.__g&=-5,E=k.__r,I=x?25:0;do c.__g&=-9,E&&E(t),m=c.render(c.props,c.state=c.__s,c.context);while(8&c.__g&&++I<25);x&&(qe.push.apply(c.__h,c.__k),c.__k=[]),c.state=c.__s,c.getChildContext&&(o=re({},o,c.getChildContext())),x&&n.__c&&c.getSnapshotBeforeUpdate&&(b=c.getSnapshotBeforeUpdate(f,g)),z=m&&m.type===Te&&m.key==null?m.props.children:m,w.__P&&(m=i,r=(e=w.__P).namespaceURI,l=s=null,n.props&&n.props.__P!=e&&(n.__k.some(function(R){R&&Qe(R,R)}),n.__k=null),i=n.__k?J(n,0):null),i=wt(e,Ue(z)?z:[z],t,n,o,r,s,a,i,l,d),w.__P&&(t.__e=null,i=m),t.__u&=-161,u&&u.some(oe),c.__h.length&&a.push(c),1&c.__g&&(c.__g&=-4)}catch(R){if(a.length=p,t.__v=null,l||s)if(R&&R.then){if(t.__u|=128|l,s){for(~(G=s.indexOf(i||void 0))||(G=s.length);(ne=s[G-1])&&ne.nodeType==8;)G--;for(;G<s.length;G++)if(ne=s[G])if(s[G]=null,j){if(ne==pt)break}else{if(ne.nodeType!=8)break;ne.data.startsWith("$s")&&(pt=Ae(j=ne))}}if(!j){for(;i&&i.nodeType==8&&i.nextSibling;)i=i.nextSibling;j=i}(m=Ae(j=t.__c.__z||(t.__c.__z=j)))?(t.__e=j,i=m):t.__e=i,i=i&&i.nextSibling}else s&&s.some(oe);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),R&&R.then||Mt(t),k.__e(R,t,n)}}else i=t.__e=Vn(n.__e,t,n,o,r,s,a,l,d,e);return(m=k.diffed)&&m(t),i}function Ae(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function Mt(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(Mt))}function At(e,t,n){for(var o=0;o<n.length;)Ke(n[o++],n[o++],n[o++]);k.__c&&k.__c(t,e),e.some(function(r){try{e=r.__h,r.__h=[],e.some(function(s){s.call(r)})}catch(s){k.__e(s,r.__v)}})}function Vn(e,t,n,o,r,s,a,i,l,d){var m,u,p,c,f,g,b,w,x=n.props||Ce,S=t.props,M=t.type;if(M=="svg"?r="http://www.w3.org/2000/svg":M=="math"?r="http://www.w3.org/1998/Math/MathML":r||(r="http://www.w3.org/1999/xhtml"),s){for(m=0;m<s.length;m++)if((f=s[m])&&(M?f.localName==M:f.nodeType==3)){e=f,s[m]=null;break}}if(!e){if(w=d.ownerDocument||document,!M)return w.createTextNode(S);e=w.createElementNS(r,M,S.is?S:d),i&&(k.__m&&k.__m(t,s),i=!1),s=null}if(M){if(d=M=="template"&&e.content||e,s=M=="textarea"&&S.defaultValue!=null?null:s&&Be.call(d.childNodes),!i&&s)for(x={},m=0;m<e.attributes.length;m++)x[(f=e.attributes[m]).name]=f.value;for(m in x)f=x[m],m=="dangerouslySetInnerHTML"?p=f:m=="children"||m in S||m=="value"&&"defaultValue"in S||m=="checked"&&"defaultChecked"in S||ke(e,m,null,f,r);for(m in S)f=S[m],m=="children"?c=f:m=="dangerouslySetInnerHTML"?u=f:m=="value"?g=f:m=="checked"?b=f:i&&typeof f!="function"||x[m]===f||ke(e,m,f,x[m],r);u?(i||p&&(u.__html==p.__html||u.__html==e.innerHTML)||(e.innerHTML=u.__html),t.__k=[]):(p&&(e.textContent=""),(M=="foreignObject"||r=="http://www.w3.org/1998/Math/MathML"&&Hn.test(M))&&(r="http://www.w3.org/1999/xhtml"),wt(d,Ue(c)?c:[c],t,n,o,r,s,a,s?s[0]:n.__k&&J(n,0),i,l),s&&s.some(oe)),i&&M!="textarea"||(m="value",M=="progress"&&g==null?e.removeAttribute(m):g==null||g===e[m]&&(M!="progress"||g)||ke(e,m,g,x[m],r),m="checked",b!=null&&b!=e[m]&&ke(e,m,b,x[m],r))}else x===S||i&&e.data==S||(e.data=S);return e}function Ke(e,t,n,o){try{typeof e=="function"?t?t.__x=e(t)||1:o&&(o=o.__c||o.__e)&&(t=o.__x)&&(o.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(r){k.__e(r,n)}}function Qe(e,t,n){var o,r,s,a;if(k.unmount&&k.unmount(e),!(o=e.ref)||o.current&&o.current!=e.__e||Ke(o,null,t,e),o=e.__c){if(o.componentWillUnmount)try{o.componentWillUnmount()}catch(i){k.__e(i,t)}o.__P=o.__n=null}if(o=e.__k)for(a=0;a<o.length;a++)o[a]&&Qe(o[a],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(o=e.__c)&&(o=o.__z)&&(r=Ae(o,s=[]))&&(o==e.__e&&s.some(oe),oe(r),oe(o)),n||oe(e.__e),e.__e=e.__c=e.__=null}function Kn(e,t,n){return this.constructor(e,n)}function Ge(e,t){var n,o,r,s;k.__&&k.__(e,t),t.nodeType==9&&(t=t.documentElement),o=(n=e&&32&e.__u)?null:t.__k,t.__k=fe(Te,{children:[e]}),r=[],s=[],Ve(t,t.__k,o||Ce,Ce,t.namespaceURI,o?null:t.firstChild?Be.call(t.childNodes):null,r,o?o.__e:t.firstChild,n,s),At(r,t.__k,s),t.__k.props.children=null}k={__e:function(e,t,n,o){for(var r,s,a;t=t.__;)if((r=t.__c)&&!(1&r.__g)){r.__g|=4;try{if((a=(s=r.constructor)&&s.getDerivedStateFromError)&&r.setState(s.getDerivedStateFromError(e)),r.componentDidCatch&&(r.componentDidCatch(e,o||{}),a=1),a&&8&r.__g)return void(r.__g|=2)}catch(i){e=i}}throw Se=0,e}},_t=0,In=function(e){return e!=null&&e.constructor===ge},pe.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=re({},this.state)),typeof e=="function"&&(e=e(re({},n),this.props)),e&&(re(n,e),this.__v&&(t&&this.__k.push(t),gt(this)))},pe.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),gt(this))},pe.prototype.render=Te,X=[],Se=0,bt=function(e,t){return e.__v.__b-t.__v.__b},Me=Symbol(),yt=/(PointerCapture)$|Capture$/i,Fe=0,He={},Wn=0;var Ee=new Set,$e=St();function St(){return Object.fromEntries(new URLSearchParams(location.hash.slice(1)))}function _(e,t){let n=$e[e];return n===void 0?t:Array.isArray(t)?n.split(".").filter(Boolean).map(Number).filter(Number.isInteger):typeof t=="boolean"?n==="1":typeof t!="number"?n:Number.isInteger(Number(n))?Number(n):t}function $(e){for(let[t,n]of Object.entries(e))n===null?delete $e[t]:$e[t]=Qn(n);Gn(),Ee.forEach(t=>t())}function Qn(e){return Array.isArray(e)?e.join("."):String(typeof e=="boolean"?Number(e):e)}function Gn(){try{history.replaceState(null,"",`#${new URLSearchParams($e)}`)}catch{}}function Ct(e){return Ee.add(e),()=>Ee.delete(e)}addEventListener("hashchange",()=>{$e=St(),Ee.forEach(e=>e())});var Xn={" ":"␣","\n":"↵","	":"⇥","\r":"␍"," ":"⍽"};function v(e){if(e===null||!Number.isFinite(e))return e===-1/0?"−∞":"–";let t=Math.abs(e),n=t>=100?0:t>=10?1:t>=1?2:3,o=t!==0&&t<.001?t.toExponential(1):t.toFixed(n);return(e<0&&Number(o)!==0?"−":"")+o}var W=e=>e>0&&e<5e-4?"<0.001":e.toFixed(3),D=e=>e>0&&e<.001?"<0.1 %":`${(100*e).toFixed(1)} %`;function y(e){return e.text.trim()||[...e.text].map(n=>Xn[n]??n).join("")||"∅"}function K(e){return Array.from(e,(t,n)=>n).sort((t,n)=>e[n]-e[t])}var le=e=>e.reduce((t,n)=>t+n,0),Xe=(e,t)=>`${e} ${t}${e===1?"":"s"}`;var qt={all:[null,null],"0-0":[0,0],"0-1":[0,1],"1-0":[1,0],"1-1":[1,1]};function Jn(e,t){let n=e.sequences[t.queries];return t.layers[0].weights.shape[1]===1&&n.length!==1?[{text:"pooled vector",special:!1,segment:0}]:n}function Oe(e){let t=O(_("stack",0),e.attention.length),n=e.variants.find(({sequence:g,position:b})=>`${g}:${b}`===_("masked",""))??null,o=n?.attention[t]??e.attention[t],r=O(_("layer",0),o.layers.length),s=o.layers[r],a=Yn(s.weights.shape[0]),[i,l]=[Jn(e,o),e.sequences[o.keys]],[d,m]=qt[_("segments","all")]??qt.all,u=_("hide",!1),p=Tt(i,u,d),c=Tt(l,u,m),f=_("renormalise",!1)&&c.length<l.length;return{number:t,attention:o,layerNumber:r,layer:s,heads:a,queries:i,keys:l,rows:p,columns:c,renormalise:f,variant:n}}var O=(e,t)=>e>=0&&e<t?e:0;function Yn(e){let t=_("heads",[]).filter(n=>n<e);return t.length?t:Array.from({length:e},(n,o)=>o)}function Tt(e,t,n){return e.map((r,s)=>s).filter(r=>!(t&&e[r].special)&&(n===null||e[r].segment===n))}var Et=e=>e.some(({segment:t})=>t>0);function Y(e,t,n,{columns:o,renormalise:r}){let s=e.weights.row(t,n),a=Float32Array.from(o,l=>s[l]),i=r?le(a):1;return i>0?a.map(l=>l/i):a}function _e(e,t,n,{rows:o,columns:r,renormalise:s}){if(!s){let i=e.weights.column(t,n);return Float32Array.from(o,l=>i[l])}let a=r.indexOf(n);return Float32Array.from(o,i=>Y(e,t,i,{columns:r,renormalise:s})[a])}function Le(e,t,n,o){let r=new Float32Array(o.columns.length);for(let s of t)Y(e,s,n,o).forEach((a,i)=>r[i]+=a/t.length);return r}function Ot({layer:e,heads:t,rows:n,columns:o}){let r=0;for(let s of t)for(let a of n)r+=le(Y(e,s,a,{columns:o}));return n.length?r/(t.length*n.length):0}var Ye=matchMedia("(prefers-color-scheme: dark)"),Zn={light:["#eef2f6","#a9cbe8","#3f8bc9","#0d4f8b","#06264a"],dark:["#242a31","#1f4f7c","#3d8fd1","#93c9f5","#f2f8fe"]},eo={light:["#0a5aa8","#8dbde4","#f1f2f4","#f0b07c","#b35400"],dark:["#63b0f4","#24527e","#2a3038","#7d4a22","#ff9d5c"]},Lt={light:["#0072b2","#b35400","#007a5a","#a34a80","#8a6a00","#4d4fb8","#565e66","#c0362c"],dark:["#56b4e9","#ff9d5c","#3fd0a5","#e59ac8","#f0e442","#a9aaff","#b5bdc5","#ff8d85"]},se=()=>Ye.matches?"dark":"light";function jt(e){return Ye.addEventListener("change",e),()=>Ye.removeEventListener("change",e)}var to=e=>[1,3,5].map(t=>parseInt(e.slice(t,t+2),16));function no(e){let t=e.map(to);return Array.from({length:256},(n,o)=>{let r=o/255*(t.length-1),s=Math.min(Math.floor(r),t.length-2);return t[s].map((a,i)=>Math.round(a+(r-s)*(t[s+1][i]-a)))})}var Je=new Map;function Nt(e,t){let n=`${e} ${se()}`;Je.has(n)||Je.set(n,no(t[se()]));let o=Je.get(n);return r=>o[Math.round(255*Math.min(1,Math.max(0,Number.isFinite(r)?r:0)))]}var P=()=>Nt("sequential",Zn);function ce(){let e=Nt("diverging",eo);return t=>e((t+1)/2)}var ae=e=>Lt[se()][e%Lt.light.length],Ze=e=>`rgb(${e.join(" ")})`;function oo(e){let[t,n,o]=e.map(r=>((r/255+.055)/1.055)**2.4);return .2126*t+.7152*n+.0722*o>.179?"#000000":"#ffffff"}var Z=e=>({background:Ze(e),color:oo(e)});var Pt=function(e,t,n,o){var r;t[0]=0;for(var s=1;s<t.length;s++){var a=t[s++],i=t[s]?(t[0]|=a?1:2,n[t[s++]]):t[++s];a===3?o[0]=i:a===4?o[1]=Object.assign(o[1]||{},i):a===5?(o[1]=o[1]||{})[t[++s]]=i:a===6?o[1][t[++s]]+=i+"":a?(r=e.apply(i,Pt(e,i,n,["",null])),o.push(r),i[0]?t[0]|=2:(t[s-2]=0,t[s]=r)):o.push(i)}return o},Dt=new Map;function Rt(e){var t=Dt.get(this);return t||(t=new Map,Dt.set(this,t)),(t=Pt(this,t.get(e)||(t.set(e,t=(function(n){for(var o,r,s=1,a="",i="",l=[0],d=function(p){s===1&&(p||(a=a.replace(/^\s*\n\s*|\s*\n\s*$/g,"")))?l.push(0,p,a):s===3&&(p||a)?(l.push(3,p,a),s=2):s===2&&a==="..."&&p?l.push(4,p,0):s===2&&a&&!p?l.push(5,0,!0,a):s>=5&&((a||!p&&s===5)&&(l.push(s,0,a,r),s=6),p&&(l.push(s,p,0,r),s=6)),a=""},m=0;m<n.length;m++){m&&(s===1&&d(),d(m));for(var u=0;u<n[m].length;u++)o=n[m][u],s===1?o==="<"?(d(),l=[l],s=3):a+=o:s===4?a==="--"&&o===">"?(s=1,a=""):a=o+a[0]:i?o===i?i="":a+=o:o==='"'||o==="'"?i=o:o===">"?(d(),s=1):s&&(o==="="?(s=5,r=a,a=""):o==="/"&&(s<5||n[m][u+1]===">")?(d(),s===3&&(l=l[0]),s=l,(l=l[0]).push(2,0,s),s=0):o===" "||o==="	"||o===`
`||o==="\r"?(d(),s=2):a+=o),s===3&&a==="!--"&&(s=4,l=l[0])}return d(),l})(e)),t),arguments,[])).length>1?t:t[0]}var h=Rt.bind(ze);var ue,q,et,It,tt=Object.is,je=0,Qt=[],nt=[],C=k,Wt=C.__b,Ht=C.__r,Ft=C.diffed,Ut=C.__c,Bt=C.unmount,zt=C.__;function Ne(e,t){C.__h&&C.__h(q,e,je||t),je=0;var n=q.__H||(q.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function ee(e){return je=1,ro(Xt,e)}function ro(e,t,n){var o=Ne(ue++,2);if(o.t=e,!o.__c&&(o.__=[n?n(t):Xt(void 0,t),function(s){var a=(o.__N||o.__)[0],i=o.t(a,s);tt(a,i)||(o.__N=[i,o.__[1]],o.__c.setState({}))}],o.__c=q,!q.__f)){q.__f=!0;var r=q.shouldComponentUpdate;q.shouldComponentUpdate=function(s,a,i){var l=this.__H;if(!l)return!0;var d=!1,m=this.props!=s;if(l.__.some(function(p){p.__N&&(d=!0,tt(p.__[0],p.__N[0])||(m=!0))}),r){var u=r.call(this,s,a,i);return d?u||m:u}return!d||m}}return o.__}function H(e,t){var n=Ne(ue++,4);!C.__s&&Gt(n.__H,t)&&(n.__P=!1,n.__=e,n.u=t,q.__h.push(n))}function A(e){return je=5,N(function(){return{current:e}},[])}function N(e,t){var n=Ne(ue++,7);return Gt(n.__H,t)&&(n.__=e(),n.__H=t),n.__}function ie(){var e=Ne(ue++,11);if(!e.__){for(var t=q.__v;!t.__m&&t.__;)t=t.__;var n=t.__m||(t.__m=[0,0]);e.__="P"+n[0]+"-"+n[1]++}return e.__}function so(){var e;do{for(;e=nt.shift();)try{be(e)}catch(n){C.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=Qt.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(be),t.__h.some(ot),t.__h=[]}catch(n){t.__h=[],C.__e(n,e.__v)}}}while(nt.length)}C.__b=function(e){q=null,Wt&&Wt(e)},C.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),zt&&zt(e,t)},C.__r=function(e){Ht&&Ht(e),ue=0;var t=(q=e.__c).__H;t&&(et==q?q.__h=[]:(t.__h.some(be),t.__h.some(ot),ue=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),et=q},C.diffed=function(e){Ft&&Ft(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&Kt(Qt.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),et=q=null},C.__c=function(e,t){t.some(function(n){try{n.__h.some(be),n.__h=n.__h.filter(function(o){return!o.__||ot(o)})}catch(o){n.__h=[function(){throw o}]}}),Ut&&Ut(e,t)},C.unmount=function(e){Bt&&Bt(e);var t,n,o=e.__c;o&&o.__H&&(o.__H.__.some(function(r){try{if(r.__P&&r.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}r.__P=n,Kt(nt.push(r))}else be(r)}catch(s){t=s}}),o.__H=void 0,t&&C.__e(t,o.__v))};var Vt=typeof requestAnimationFrame=="function";function ao(e){var t,n=function(){clearTimeout(o),Vt&&cancelAnimationFrame(t),setTimeout(e)},o=setTimeout(n,35);Vt&&(t=requestAnimationFrame(n))}function Kt(e){e!=1&&It==C.requestAnimationFrame||((It=C.requestAnimationFrame)||ao)(so)}function be(e){var t=q,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),q=t}function ot(e){var t=q;e.__c=e.__(),q=t}function Gt(e,t){return!e||e.length!=t.length||t.some(function(n,o){return!tt(n,e[o])})}function Xt(e,t){return typeof t=="function"?t(e):t}function F({label:e,options:t,value:n,onChange:o}){let r=ie(),s=t.map(a=>Array.isArray(a)?a:[a,a]);return h`<div class="field">
    <label for=${r}>${e}</label>
    <select id=${r} value=${String(n)} onChange=${a=>o(a.target.value)}>
      ${s.map(([a,i])=>h`<option value=${String(a)}
        selected=${String(a)===String(n)}>${i}</option>`)}
    </select>
  </div>`}function L({label:e,names:t,value:n,onChange:o}){if(t.length<2)return null;let r=t.map((s,a)=>[a,s]);return h`<${F} label=${e} options=${r} value=${n}
    onChange=${s=>o(Number(s))} />`}function rt({label:e,checked:t,disabled:n,onChange:o}){let r=ie();return h`<div class="check">
    <input type="checkbox" id=${r} checked=${t} disabled=${n}
      onChange=${s=>o(s.target.checked)} />
    <label for=${r}>${e}</label>
  </div>`}function me({label:e,tabs:t,value:n,onChange:o,panel:r,small:s=!1}){let a=t.map(([l])=>l);return h`<div class=${s?"tabs small":"tabs"} role="tablist" aria-label=${e} onKeyDown=${l=>{let d=a.indexOf(n),m={ArrowRight:d+1,ArrowLeft:d-1+a.length,Home:0,End:a.length-1}[l.key];m!==void 0&&(l.preventDefault(),o(a[m%a.length]),l.currentTarget.children[m%a.length].focus())}}>
    ${t.map(([l,d])=>h`<button
        type="button"
        role="tab"
        id="tab-${l}"
        aria-controls=${r}
        aria-selected=${l===n?"true":"false"}
        tabindex=${l===n?0:-1}
        onClick=${()=>o(l)}
      >
        ${d}
      </button>`)}
  </div>`}function st({label:e,items:t,onToggle:n,children:o}){let r=a=>{let i=[...a.currentTarget.querySelectorAll("button")],l={ArrowRight:1,ArrowLeft:-1}[a.key];l&&(a.preventDefault(),i[(i.indexOf(a.target)+l+i.length)%i.length].focus())},s=ie();return h`<div class="field">
    <span class="label" id=${s}>${e}</span>
    <div class="toggles" role="group" aria-labelledby=${s} onKeyDown=${r}>
      ${t.map(({text:a,on:i,colour:l,name:d},m)=>h`<button
          type="button"
          class="toggle"
          aria-pressed=${i?"true":"false"}
          aria-label=${d}
          style=${{"--colour":l}}
          onClick=${()=>n(m)}
        >
          ${a}
        </button>`)}
      ${o}
    </div>
  </div>`}var io=60;function T({caption:e,columns:t,rows:n,order:o=null,onChoose:r,chosen:s=()=>!1,limit:a=io}){let[i,l]=ee(o),[d,m]=ee(!1),u=i?[...n].sort((f,g)=>co(t[i[0]],f,g)*(i[1]?-1:1)):n,p=(f,g)=>h`<th scope="col" class=${f.number&&g?"number":""} aria-sort=${lo(i,g)}>
    <button type="button" class="sort"
      onClick=${()=>l([g,i?.[0]===g?!i[1]:!!f.number])}>
      ${f.name}<span aria-hidden="true">${i?.[0]===g?i[1]?" ↓":" ↑":""}</span>
    </button>
  </th>`,c=d?u:u.slice(0,a);return h`<div class="scroll" tabindex="0" role="region" aria-label=${e}>
    <table>
      <caption class="off-screen">${e}</caption>
      <thead><tr>${t.map(p)}</tr></thead>
      <tbody>
        ${c.map(f=>h`<tr
          class=${s(f)?"chosen":""}>${t.map((g,b)=>uo(g,f,b,r))}</tr>`)}
      </tbody>
    </table>
    ${c.length<u.length&&h`<button type="button" class="quiet"
      onClick=${()=>m(!0)}>Show all ${u.length}</button>`}
  </div>`}var lo=(e,t)=>e?.[0]===t?e[1]?"descending":"ascending":null;function co(e,t,n){return e.number?(e.number(t)??-1/0)-(e.number(n)??-1/0):String(e.text(t)).localeCompare(String(e.text(n)))}function uo({text:e,number:t,bar:n},o,r,s){let a=e?e(o):v(t(o)),i=s&&r===0?h`<button type="button" class="link" onClick=${()=>s(o)}>${a}</button>`:a;return n?h`<td class="number"><span class="share"><${Q} share=${n(o)} /><span>${i}</span></span></td>`:h`<td class=${t&&r?"number":""}><bdi>${i}</bdi></td>`}function Q({share:e,signed:t=!1}){let n=Math.min(1,Math.abs(e||0)),o=`${(t?50:100)*n}%`,r=t?{width:o,marginInlineStart:e<0?`${50-50*n}%`:"50%"}:{width:o};return h`<span class=${t?"bar signed":"bar"} aria-hidden="true"><span
    class=${e<0?"negative":""} style=${r}></span></span>`}function te(e){let t=A(null),n=A(e);return n.current=e,H(()=>{let o=new ResizeObserver(()=>de(t.current,n.current));return o.observe(t.current),()=>o.disconnect()},[]),H(()=>de(t.current,n.current)),t}function de(e,t){let{clientWidth:n,clientHeight:o}=e,r=devicePixelRatio||1;e.width!==Math.round(n*r)&&(e.width=Math.round(n*r)),e.height!==Math.round(o*r)&&(e.height=Math.round(o*r));let s=e.getContext("2d");s.setTransform(r,0,0,r,0,0),s.clearRect(0,0,n,o),t(s,n,o)}function De(e,t,n){let o=document.createElement("canvas");[o.width,o.height]=[t,e];let r=o.getContext("2d"),s=r.createImageData(t,e);for(let a=0,i=0;a<e;a++)for(let l=0;l<t;l++,i+=4){let[d,m,u]=n(a,l);s.data[i]=d,s.data[i+1]=m,s.data[i+2]=u,s.data[i+3]=255}return r.putImageData(s,0,0),o}function Jt(e){let t=A(e),n=A(0);return t.current=e,()=>{n.current||(n.current=requestAnimationFrame(()=>{n.current=0,t.current()}))}}var ye=e=>getComputedStyle(document.documentElement).getPropertyValue(e).trim();var U=22;function he({name:e,tokens:t,indices:n,chosen:o,onChoose:r,masked:s=-1,side:a="",keepInView:i=!0}){let l=ie(),d=A(null),m=n.indexOf(o);H(()=>{i&&document.activeElement===d.current&&d.current.children[m]?.scrollIntoView({block:"nearest"})},[m]);let u=c=>{let f=n.length-1,g={ArrowDown:m+1,ArrowUp:m<0?f:m-1,Home:0,End:f};c.key==="Escape"&&m>=0&&r(-1),c.key in g&&(c.preventDefault(),r(n[Math.min(f,Math.max(0,g[c.key]))]))},p=c=>{let f=c.target.closest("[role=option]");f&&r(Number(f.dataset.index)===o?-1:Number(f.dataset.index))};return h`<div
    ref=${d}
    class="tokens ${a}"
    role="listbox"
    tabindex="0"
    aria-label=${e}
    aria-activedescendant=${m>=0?`${l}-${o}`:null}
    onKeyDown=${u}
    onClick=${p}
  >
    ${n.map(c=>h`<${mo} key=${c} id="${l}-${c}" token=${t[c]} index=${c}
      chosen=${c===o} masked=${c===s} />`)}
  </div>`}function mo({id:e,token:t,index:n,chosen:o,masked:r}){let s=[t.special&&"special",t.generated&&"generated",r&&"masked"].filter(Boolean);return h`<div
    id=${e}
    role="option"
    aria-selected=${o?"true":"false"}
    data-index=${n}
    class="token ${s.join(" ")}"
    title="${n}: ${y(t)}${s.length?` (${s.join(", ")})`:""}"
  >
    <bdi>${y(t)}</bdi>
  </div>`}var Yt=.02,ho=12e3,ve=12;function Pe({view:e,chosen:t,onChoose:n,onPoint:o,masked:r,names:s}){let a=A(null),i=A(null),l=(f,g,b)=>{let w={width:g,height:b,top:a.current.scrollTop,gap:Zt(a.current)};po(f,w,e,i.current??t)},d=te(l),m=Jt(()=>d.current&&de(d.current,l)),u=f=>{f?.side===i.current?.side&&f?.index===i.current?.index||(i.current=f,o(f),m())},p=f=>g=>n(g<0?null:{side:f,index:g}),c=(f,g,b,w)=>h`<${he}
    name=${g} side=${f} tokens=${b} indices=${w} masked=${r}
    chosen=${t?.side===f?t.index:-1} onChoose=${p(f)} />`;return h`<div
    class="lines"
    ref=${a}
    onScroll=${m}
    onPointerMove=${f=>u(fo(f,a.current,e))}
    onPointerLeave=${()=>u(null)}
  >
    <div class="canvas-layer"><canvas ref=${d} aria-hidden="true"></canvas></div>
    ${c("query",s[0],e.queries,e.rows)} ${c("key",s[1],e.keys,e.columns)}
  </div>`}function Zt(e){let[t,n]=e.querySelectorAll(".tokens");return[t.offsetLeft+t.offsetWidth,n.offsetLeft]}function fo(e,t,n){let o=t.getBoundingClientRect(),[r,s]=Zt(t),a=e.clientX-o.left,i=Math.floor((e.clientY-o.top+t.scrollTop)/U);return a<=r&&i in n.rows?{side:"query",index:n.rows[i]}:a>=s&&i in n.columns?{side:"key",index:n.columns[i]}:null}function po(e,t,n,o){o&&!(o.side==="query"?n.rows:n.columns).includes(o.index)&&(o=null);let r=n.heads.map(a=>o?go(n,a,o):$o(n,a,t));o&&yo(e,t,n,r,o);let s=o?.004:_o(r);e.lineCap="round",r.forEach((a,i)=>bo(e,t,a,ae(n.heads[i]),s))}function go(e,t,{side:n,index:o}){if(n==="query"){let s=e.rows.indexOf(o);return Array.from(Y(e.layer,t,o,e),(a,i)=>[s,i,a])}let r=e.columns.indexOf(o);return Array.from(_e(e.layer,t,o,e),(s,a)=>[a,r,s])}function $o(e,t,{top:n,height:o}){let r=[],s=Math.min(e.rows.length-1,Math.floor((n+o)/U));for(let a=Math.floor(n/U);a<=s;a++){let i=Y(e.layer,t,e.rows[a],e);for(let l=0;l<i.length;l++)i[l]>=Yt&&r.push([a,l,i[l]])}return r}function _o(e){let t=new Uint32Array(101);for(let r of e)for(let s of r)t[Math.floor(100*s[2])]++;let[n,o]=[100,t[100]];for(;n>0&&o+t[n-1]<=ho;)o+=t[--n];return Math.max(Yt,n/100)}function bo(e,{top:t,gap:n},o,r,s){let a=Array.from({length:ve+1},()=>[]);for(let i of o)i[2]>=s&&a[Math.min(ve,Math.ceil(i[2]*ve))].push(i);e.strokeStyle=r,a.forEach((i,l)=>{if(i.length){e.globalAlpha=.08+.92*l/ve,e.lineWidth=.5+3*l/ve,e.beginPath();for(let[d,m]of i)e.moveTo(n[0]+4,(d+.5)*U-t),e.lineTo(n[1]-4,(m+.5)*U-t);e.stroke()}}),e.globalAlpha=1}function yo(e,{top:t,width:n,gap:o},r,s,{side:a,index:i}){let[l,d]=a==="query"?[o[1],n]:[0,o[0]],m=(d-l)/s.length,u=(a==="query"?r.rows:r.columns).indexOf(i);e.fillStyle=ye("--faint"),e.fillRect(a==="query"?0:o[1],u*U-t,a==="query"?o[0]:n-o[1],U),s.forEach((p,c)=>{e.fillStyle=ae(r.heads[c]);for(let[f,g,b]of p)b<.004||(e.globalAlpha=Math.min(.7,.08+b),e.fillRect(l+c*m,(a==="query"?g:f)*U-t+1,m,U-2))}),e.globalAlpha=1}var vo=6;function xe(e){let[,t,n]=_("token","").match(/^(query|key)([0-9]+)$/)??[],o=t==="query"?e.queries:e.keys;return t&&Number(n)<o.length?{side:t,index:Number(n)}:null}function tn({text:e,view:t}){let n=xe(t),o=A(null),r=i=>{o.current.textContent=en(t,i??n)},s=i=>$({token:i&&`${i.side}${i.index}`}),a=t.variant?.sequence===t.attention.keys?t.variant.position:-1;return h`<div class="beside">
    <div>
      <div class="sides" aria-hidden="true"><span>Queries: ${t.attention.queries}</span>
        <span>Keys: ${t.attention.keys}</span></div>
      <${Pe} view=${t} chosen=${n} onChoose=${s} onPoint=${r} masked=${a}
        names=${[`Queries, tokens of ${t.attention.queries}`,`Keys, tokens of ${t.attention.keys}`]} />
    </div>
    <div class="aside">
      <p ref=${o} class="readout" aria-live="polite">${en(t,n)}</p>
      <${wo} text=${e} view=${t} chosen=${n} />
      ${n&&h`<${xo} view=${t} chosen=${n} />`}
    </div>
  </div>`}function en(e,t){if(!t)return"Point at a token, or choose one with a click or the arrow keys: its lines and numbers are shown.";let{tokens:n,weights:o,indices:r}=nn(e,t),a=K(o).slice(0,3).filter(d=>o[d]>0).map(d=>`${y(n[r[d]])} ${W(o[d])}`).join(", "),i=y((t.side==="query"?e.queries:e.keys)[t.index]),l=e.heads.length>1?`, mean of ${e.heads.length} heads`:"";return t.side==="query"?`${i} attends most to: ${a||"nothing shown"}${l}.`:`Most on ${i}: ${a||"nothing shown"}${l}.`}function nn(e,{side:t,index:n}){if(t==="query")return{tokens:e.keys,indices:e.columns,weights:Le(e.layer,e.heads,n,e)};let o=new Float32Array(e.rows.length);for(let r of e.heads)_e(e.layer,r,n,e).forEach((s,a)=>o[a]+=s/e.heads.length);return{tokens:e.queries,indices:e.rows,weights:o}}function xo({view:e,chosen:t}){let{tokens:n,indices:o,weights:r}=nn(e,t),{layer:s}=e,a=m=>t.side==="query"?Y(s,m,t.index,e):_e(s,m,t.index,e),i=e.heads.slice(0,vo).map(m=>({head:m,weights:a(m)})),l=[{name:t.side==="query"?"Key":"Query",text:m=>y(n[o[m]])},{name:i.length>1?"Mean":"Weight",number:m=>r[m],text:m=>W(r[m]),bar:m=>r[m]}];if(i.length>1&&i.length===e.heads.length){let m=({head:u,weights:p})=>({name:h`<span class="swatch" aria-hidden="true" style=${{background:ae(u)}}></span>Head ${u}`,number:c=>p[c],text:c=>W(p[c])});l.push(...i.map(m))}let d=t.side==="query"?`Weights of ${y(e.queries[t.index])}`:`Weights on ${y(e.keys[t.index])}`;return h`<h3>${d}</h3>
    <${T} caption=${d} columns=${l} rows=${K(r)} limit=${12} />`}function wo({text:e,view:t,chosen:n}){if(!e.variants.length)return null;let o=n&&(n.side==="query"?t.attention.queries:t.attention.keys),r=n&&e.variants.find(a=>a.sequence===o&&a.position===n.index),s=n&&y((n.side==="query"?t.queries:t.keys)[n.index]);return r?h`<p><button type="button" class="quiet"
    onClick=${()=>$({masked:`${r.sequence}:${r.position}`})}>Mask <bdi>${s}</bdi></button></p>`:h`<p
      class="hint">${n?`No variant with ${s} masked was computed.`:"Choose a token to mask it."}</p>`}var sn=14,ko=96,Mo=74,at=e=>e>=sn?ko:0;function Re({name:e,rows:t,columns:n,colour:o,cells:r,describe:s,cursor:a,onMove:i,cell:l,columnLabels:d=!0}){let[m,u]=ee(null),p=N(()=>De(t.length,n.length,o),[...r,se()]),c=at(l[1]),f=d&&l[0]>=sn?Mo:0,g={width:`${c+l[0]*n.length}px`,height:`${f+l[1]*t.length}px`},b=te(E=>{E.imageSmoothingEnabled=!1,E.drawImage(p,c,f,l[0]*n.length,l[1]*t.length),Ao(E,t,n,l,c,f);for(let I of[a,m])I&&So(E,I,l,c,f)}),w=A(null),x=E=>{let I=b.current.getBoundingClientRect(),z=Math.floor((E.clientX-I.left-c)/l[0]),j=Math.floor((E.clientY-I.top-f)/l[1]);return j in t&&z in n?[j,z]:null},S=E=>{let[I,z]=a??[0,0],j={ArrowUp:[-1,0],ArrowDown:[1,0],ArrowLeft:[0,-1],ArrowRight:[0,1]}[E.key];j&&(E.preventDefault(),i(on(I+j[0],t.length),on(z+j[1],n.length)))},M=m??a;return h`<figure class="heat-map">
    <div
      ref=${w}
      class="scroll"
      tabindex="0"
      role="application"
      aria-label="${e}. Arrow keys move the cursor."
      onKeyDown=${S}
      onPointerMove=${E=>u(x(E))}
      onPointerLeave=${()=>u(null)}
      onClick=${E=>x(E)&&i(...x(E))}
    >
      <canvas ref=${b} style=${g} aria-hidden="true"></canvas>
    </div>
    <figcaption class="readout"
      aria-live="polite">${M?s(...M):"Point at a cell, or move with the arrow keys."}</figcaption>
  </figure>`}var on=(e,t)=>Math.min(t-1,Math.max(0,e));function Ao(e,t,n,o,r,s){e.fillStyle=ye("--text"),e.font="12px system-ui, sans-serif",e.textBaseline="middle",e.textAlign="right",r&&t.forEach((a,i)=>e.fillText(rn(e,a,r-8),r-6,s+(i+.5)*o[1])),e.textAlign="left",s&&n.forEach((a,i)=>{e.save(),e.translate(r+(i+.5)*o[0],s-6),e.rotate(-Math.PI/2),e.fillText(rn(e,a,s-10),0,0),e.restore()})}function rn(e,t,n){if(e.measureText(t).width<=n)return t;let o=[...t];for(;o.length>1&&e.measureText(`${o.join("")}…`).width>n;)o.pop();return`${o.join("")}…`}function So(e,[t,n],o,r,s){e.strokeStyle=ye("--text"),e.lineWidth=2;let[a,i]=o.map(l=>Math.max(l,5));e.strokeRect(r+(n+.5)*o[0]-a/2,s+(t+.5)*o[1]-i/2,a,i)}function B({colour:e,from:t,to:n,low:o=0}){let r=Array.from({length:9},(s,a)=>`rgb(${e(o+(1-o)*a/8).join(" ")})`);return h`<p class="legend">
    <span>${t}</span>
    <span class="ramp" aria-hidden="true" style=${{background:`linear-gradient(to right, ${r.join(", ")})`}}>
      </span>
    <span>${n}</span>
  </p>`}var Co=760,qo=e=>Math.max(2,Math.min(24,Math.floor(Co/e)));function an({view:e}){let t=[e.layer,e.heads.join(),e.rows.join(),e.columns.join(),e.renormalise],n=N(()=>e.rows.map(u=>Le(e.layer,e.heads,u,e)),t),o=P(),r=qo(Math.max(e.rows.length,e.columns.length)),s=_("cell",[]),a=s.length===2&&s[0]<e.rows.length&&s[1]<e.columns.length?s:null,i=(u,p)=>$({cell:[u,p]}),l=e.heads.length===1?`head ${e.heads[0]}`:`mean of ${e.heads.length} heads`,d=[e.rows.map(u=>y(e.queries[u])),e.columns.map(u=>y(e.keys[u]))],m=(u,p)=>`${d[0][u]} → ${d[1][p]}: ${W(n[u][p])} (${l})`;return h`<${Re} name="Attention weights of ${e.layer.name}, ${l}: queries in rows, keys in columns"
      rows=${d[0]} columns=${d[1]}
      colour=${(u,p)=>o(Math.sqrt(n[u][p]))} cells=${t}
      describe=${m} cursor=${a} onMove=${i} cell=${[r,r]} />
    <${B} colour=${u=>o(Math.sqrt(u))} from="0" to="1" />`}var ln=64;function un({view:e}){let[t]=e.heads,n=xe(e),o=n?.side==="query"&&e.rows.includes(n.index)?n.index:e.rows[0]??0,r=N(()=>Eo(e.layer,t,o),[e.layer,t,o]),s=N(()=>To(e.columns,r),[r,e.columns.join()]),a=i=>$({token:i<0?null:`query${i}`});return h`<div class="neurons">
    <div class="narrow-list"><h3>Query</h3><${he} name="Queries" tokens=${e.queries} indices=${e.rows}
      chosen=${o} onChoose=${a} /></div>
    <div>
      ${r.scores?h`<${Oo} view=${e} steps=${r} row=${o} />`:h`<p
        class="hint">The queries and keys of this layer were left out.</p>`}
      <${jo} view=${e} steps=${r} keys=${s} head=${t} row=${o} />
    </div>
  </div>`}function To(e,{weights:t}){return e.length<=ln?e:[...e].sort((o,r)=>t[r]-t[o]).slice(0,ln).sort((o,r)=>o-r)}function Eo(e,t,n){let o=e.weights.row(t,n),r=e.mask?e.mask.row(n):o.map(()=>1),s=e.bias?.row(t,n)??null;if(!e.query)return{weights:o,visible:r,bias:s,query:null,dots:null,scores:e.score?.row(t,n)??null};let a=e.query.row(t,n),i=Array.from(o,(m,u)=>e.key.row(t,u)),l=i.map(m=>m.reduce((u,p,c)=>u+p*a[c],0)),d=l.map((m,u)=>m*e.scale+(s?s[u]:0));return{weights:o,visible:r,bias:s,query:a,keys:i,dots:l,scores:d}}function Oo({view:e,steps:t,row:n}){let o=t.weights.indexOf(Math.max(...t.weights)),r=Lo(t.scores.filter((d,m)=>t.visible[m])),s=t.scores[o],a=t.bias?[" + bias",` + ${v(t.bias[o])}`]:["",""],i=`score(${y(e.queries[n])}, ${y(e.keys[o])})`,l=t.query?`${v(t.dots[o])} × ${v(e.layer.scale)}${a[1]} = `:"";return h`<p class="formula">weight = softmax(score), over the keys that the mask leaves visible;
      ${" "}${t.query&&`score = query · key × scale${a[0]}`}</p>
    <p class="formula">${i} = ${l}${v(s)}; the logarithm of the sum of exp(score) = ${v(r)}</p>
    <p class="formula">weight = exp(${v(s)} − ${v(r)}) = ${W(Math.exp(s-r))}
      ${" "}(captured: ${W(t.weights[o])})</p>`}function Lo(e){let t=Math.max(...e);return t+Math.log(e.reduce((n,o)=>n+Math.exp(o-t),0))}function jo({view:e,steps:t,keys:n,head:o,row:r}){let s=t.query?cn([t.query,...n.map(u=>t.keys[u])]):1,a=t.query&&n.map(u=>t.keys[u].map((p,c)=>p*t.query[c])),i=a?cn(a):1,l=[...t.query?["Key, by dimension","Query × key, by dimension","Query · key"]:[],...t.bias?["Bias"]:[],"Score","Mask","Weight"],d=`From the query ${y(e.queries[r])} of head ${o} to its weights`,m=h`<p class="strip-line"><span>Query <bdi>${y(e.queries[r])}</bdi></span>
    <${it} values=${t.query} bound=${s} />
    <span class="hint">${t.query?.length} dimensions: orange is above 0, blue below</span></p>`;return h`${t.query&&m}
    ${n.length<e.columns.length&&h`<p
      class="hint">The ${n.length} keys of the largest weights, of ${e.columns.length}.</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${d}><table class="steps">
      <caption class="off-screen">${d}</caption>
      <thead><tr><th scope="col">Token</th>${l.map(u=>h`<th scope="col"
        class=${u.endsWith("by dimension")?"":"number"}>${u}</th>`)}</tr></thead>
      <tbody>${n.map((u,p)=>h`<tr class=${t.visible[u]?"":"hidden-key"}>
          <th scope="row"><bdi>${y(e.keys[u])}</bdi></th>
          ${t.query&&h`<td><${it} values=${t.keys[u]} bound=${s} /></td><td><${it}
            values=${a[p]} bound=${i} /></td><td class="number">${v(t.dots[u])}</td>`}
          ${t.bias&&h`<td class="number">${v(t.bias[u])}</td>`}
          <td class="number">${t.scores?v(t.scores[u]):"–"}</td>
          <td class="number">${t.visible[u]?"visible":"hidden"}</td>
          <td class="number"><span class="share"><${Q} share=${t.weights[u]} />
            <span>${W(t.weights[u])}</span></span></td>
        </tr>`)}</tbody>
    </table></div>`}var cn=e=>Math.max(1e-9,...e.map(t=>t.reduce((n,o)=>Math.max(n,Math.abs(o)),0)));function it({values:e,bound:t}){let n=ce(),o=te((r,s,a)=>{r.imageSmoothingEnabled=!1,r.drawImage(De(1,e.length,(i,l)=>n(e[l]/t)),0,0,s,a)});return h`<canvas ref=${o} class="strip" aria-hidden="true"></canvas>`}var mn=40,lt=new WeakMap;function dn({view:e}){let{layers:t}=e.attention,n=t[0].weights.shape[0],o=A(null),r=(l,d)=>$({layer:l,heads:[d],mode:"lines"}),s=_("overview",[0,0]),a=[Math.min(s[0]??0,t.length-1),Math.min(s[1]??0,n-1)];return h`<p class="hint">A row for each layer, a column for each head; in a thumbnail queries go down and keys to the
      right. Darker in the light, or brighter in the dark, is more weight. A click opens the head.</p>
    <div class="scroll"><table class="overview" ref=${o} onKeyDown=${l=>{let d={ArrowUp:[-1,0],ArrowDown:[1,0],ArrowLeft:[0,-1],ArrowRight:[0,1]}[l.key];if(!d)return;l.preventDefault();let[m,u]=[a[0]+d[0],a[1]+d[1]];!(m in t)||u<0||u>=n||($({overview:[m,u]}),o.current.querySelector(`[data-cell="${m}.${u}"]`).focus())}}>
      <caption class="off-screen">Attention weights of all layers and heads</caption>
      <thead><tr><td></td>${Array.from({length:n},(l,d)=>h`<th scope="col">${d}</th>`)}</tr></thead>
      <tbody>${t.map((l,d)=>h`<tr><th scope="row">${l.name}</th>${Array.from({length:n},(m,u)=>h`<td><button type="button" data-cell="${d}.${u}"
              tabindex=${d===a[0]&&u===a[1]?0:-1}
            aria-label="${l.name}, head ${u}: ${No(l,u)}" onClick=${()=>r(d,u)}
            onFocus=${()=>$({overview:[d,u]})}><${Do} layer=${l} head=${u} /></button></td>`)}</tr>`)}</tbody>
    </table></div>`}function No({statistics:e},t){return Object.entries(e).map(([o,r])=>`${o} ${r.at(t).toFixed(2)}`).join(", ")||"open"}function Do({layer:e,head:t}){let n=A(null);return H(()=>de(n.current,(o,r,s)=>Io(o,r,s,Po(e,t))),[e,t,se()]),h`<canvas ref=${n} aria-hidden="true"></canvas>`}function Po(e,t){lt.has(e)||lt.set(e,[]);let n=lt.get(e);return n[t]??=Ro(e.weights,t),n[t]}function Ro({values:e,scale:t,shape:n,strides:o},r){let[,s,a]=n,[i,l]=[Math.min(mn,s),Math.min(mn,a)],d=new Float32Array(i*l),m=Uint16Array.from({length:s},(u,p)=>Math.floor(p*i/s)*l);for(let u=0;u<a;u++){let p=Math.floor(u*l/a),c=r*o[0]+u*o[2];for(let f=0;f<s;f++,c+=o[1]){let g=m[f]+p;e[c]>d[g]&&(d[g]=e[c])}}return[i,l,d.map(u=>Math.sqrt(u*t))]}function Io(e,t,n,[o,r,s]){let a=P(),[i,l]=[t/r,n/o];for(let d=0,m=0;d<o;d++)for(let u=0;u<r;u++,m++)e.fillStyle=`rgb(${a(s[m]).join(" ")})`,e.fillRect(u*i,d*l,i+.5,l+.5)}var hn=({layers:e})=>Object.keys(e[0].statistics).length>0;function fn({view:e}){let{layers:t}=e.attention,n=Object.keys(t[0].statistics),o=t.flatMap((d,m)=>Array.from({length:d.weights.shape[0]},(u,p)=>({layer:d,i:m,head:p}))),r=(d,{layer:m,head:u})=>m.statistics[d].at(u),s=n.map(d=>{let m=Math.max(...o.map(u=>r(d,u)),1e-9);return{name:d[0].toUpperCase()+d.slice(1),number:u=>r(d,u),text:u=>v(r(d,u)),bar:u=>r(d,u)/m}}),a={name:"Head",number:d=>d.i*1e3+d.head,text:({layer:d,head:m})=>`${d.name}, head ${m}`},i=({i:d,head:m})=>$({layer:d,heads:[m],mode:"lines"}),l=({i:d,head:m})=>d===_("layer",0)&&_("heads",[]).includes(m);return h`<p
    class="hint">A click on a heading sorts, a click on a head opens it.
      Bars are relative to the largest of their column.</p>
    <${T} caption="Statistics of each head" columns=${[a,...s]} rows=${o} onChoose=${i}
      chosen=${l} limit=${150} />`}var pn={lines:["Lines",tn,()=>!0],matrix:["Matrix",an,()=>!0],overview:["All heads",dn,({attention:e})=>e.layers.length*e.layers[0].weights.shape[0]>1],numbers:["Numbers",un,({attention:e})=>e.layers.some(({query:t,score:n})=>t!==null||n!==null)],statistics:["Statistics",fn,({attention:e})=>hn(e)]},Wo=[["all","Both texts"],["0-0","First → first"],["0-1","First → second"],["1-0","Second → first"],["1-1","Second → second"]];function gn({text:e}){let t=Oe(e),n=Object.entries(pn).filter(([,[,,i]])=>i(t)),o=n.some(([i])=>i===_("mode","lines"))?_("mode","lines"):"lines",r=pn[o][1],s=t.layer.weights.scale,a=o==="overview"||o==="statistics";return h`<${me} small label="Attention as" panel="mode-panel" value=${o}
      tabs=${n.map(([i,[l]])=>[i,l])} onChange=${i=>$({mode:i})} />
    <div class="controls">
      <${L} label="Attention" names=${e.attention.map(({name:i})=>i)} value=${t.number}
        onChange=${i=>$({stack:i,layer:0,heads:null,token:null,masked:null})} />
      ${!a&&h`<${L} label="Layer" names=${t.attention.layers.map(({name:i})=>i)}
        value=${t.layerNumber} onChange=${i=>$({layer:i})} />`}
      ${Et(t.keys)&&!a&&h`<${F} label="Texts" options=${Wo}
        value=${_("segments","all")} onChange=${i=>$({segments:i})} />`}
      ${!a&&h`<${Ho} view=${t} single=${o==="numbers"} />`}
    </div>
    ${!a&&h`<${Fo} view=${t} />`}
    ${t.variant&&h`<${Bo} text=${e} variant=${t.variant} />`}
    <div id="mode-panel" role="tabpanel" aria-labelledby="tab-${o}"><${r} text=${e} view=${t} /></div>
    ${s<1&&h`<p
      class="hint">The weights are many: each is rounded to a multiple of 1/${Math.round(1/s)}.</p>`}`}function Ho({view:e,single:t}){let n=e.layer.weights.shape[0];if(n===1)return null;let o=t?e.heads.slice(0,1):e.heads,r=Array.from({length:n},(i,l)=>l),s=i=>{if(t||o.length===n)return $({heads:[i]});let l=r.filter(d=>d===i?!o.includes(d):o.includes(d));$({heads:l.length&&l.length<n?l:null})},a=r.map(i=>({text:String(i),name:`Head ${i}`,on:o.includes(i),colour:ae(i)}));return h`<${st} label=${t?"Head":"Heads"} items=${a} onToggle=${s}>
    ${!t&&h`<button type="button" class="quiet" disabled=${o.length===n}
      onClick=${()=>$({heads:null})}>All</button>`}
  </${st}>`}function Fo({view:e}){let t=[...e.queries,...e.keys].some(({special:s})=>s),n=e.columns.length<e.keys.length,o=[e.layer,e.heads.join(),e.rows.join(),e.columns.join()],r=N(()=>n?Ot(e):1,o);return h`<div class="checks">
    ${t&&h`<${rt} label="Hide special tokens" checked=${_("hide",!1)}
      onChange=${s=>$({hide:s})} />`}
    ${n&&h`<${rt} label="Renormalise the rest" checked=${e.renormalise}
      onChange=${s=>$({renormalise:s})} />`}
    ${n&&h`<p class="hint">${Uo(e,r)}</p>`}
  </div>`}function Uo({renormalise:e},t){return e?`Weights are divided by their sum over the keys shown, which have ${D(t)} of the weight.`:`Weights are as they are: the keys shown have ${D(t)} of the weight.`}function Bo({text:e,variant:t}){let n=e.sequences[t.sequence][t.position];return h`<p class="note">
    With token ${t.position}, <q><bdi>${y(n)}</bdi></q>, masked the answer is <strong>
      <bdi>${t.answer}</bdi></strong>;
    else it is <strong><bdi>${e.answer}</bdi></strong>. The attention below is that of the masked text. ${" "}
    <button type="button" class="quiet" onClick=${()=>$({masked:null})}>Unmask</button>
  </p>`}function ct({terms:e,names:t,output:n=0,against:o=-1}){let r=u=>e.contribution.at(n,u)-(o<0?0:e.contribution.at(o,u)),s=e.terms.map((u,p)=>r(p)),a=Math.max(1e-12,...s.map(Math.abs)),i=K(s.map(Math.abs)),l=o<0?"":` and not ${t[o]}`,d=`Terms that weigh for ${t[n]??`output ${n}`}${l}`;return h`<h3>${d}</h3><${T} caption=${d} columns=${[{name:"Term",text:u=>e.terms[u]},{name:"Feature",number:u=>e.value.at(u)},{name:"Contribution",number:u=>s[u],text:u=>h`<span class="share"><${Q} signed share=${s[u]/a} /><span>${v(s[u])}</span></span>`}]} rows=${i} limit=${30} />`}function $n({text:e}){let{attribution:t,terms:n}=e;if(!t)return h`<${ct} terms=${n} names=${[]} />`;let{outputs:o,methods:r,groups:s,chosen:a}=t,i=O(_("output",a[0]??0),o.length),l=o.map((f,g)=>[g,f]).filter(([f])=>f!==i&&s[f]===s[i]),d=l.some(([f])=>f===_("against",-1))?_("against",-1):-1,m=O(_("method",0),r.length),u=r[m],p=u?zo(u,i,d):{},c=o.map((f,g)=>a.includes(g)?`${f} (the answer)`:f);return h`<div class="controls">
      <${L} label="Method" names=${r.map(({name:f})=>f)} value=${m}
        onChange=${f=>$({method:f})} />
      <${F} label="Why" options=${c.map((f,g)=>[g,f])} value=${i}
        onChange=${f=>$({output:Number(f),against:null})} />
      ${l.length>0&&h`<${F} label="and not" options=${[[-1,"–"],...l]} value=${d}
        onChange=${f=>$({against:Number(f)})} />`}
    </div>
    ${u&&h`<${Vo} text=${e} values=${p} />
    <${Ko} attribution=${t} method=${u} output=${i} against=${d} values=${p} />
    <${Qo} text=${e} values=${p} />`}
    ${n&&h`<${ct} terms=${n} names=${o} output=${i} against=${d} />`}`}function zo(e,t,n){let o=Object.entries(e.values).map(([r,s])=>{let a=s.row(t);return[r,n<0?a:a.map((i,l)=>i-s.at(n,l))]});return Object.fromEntries(o)}var _n=e=>Math.max(1e-12,...Object.values(e).map(t=>t.reduce((n,o)=>Math.max(n,Math.abs(o)),0)));function Vo({text:e,values:t}){let n=ce(),o=_n(t);return h`${Object.entries(t).map(([r,s])=>h`${Object.keys(t).length>1&&h`<h3>${r}</h3>`}
        <ul class="pieces" dir="auto" aria-label="Contributions of the tokens of ${r}">
          ${e.sequences[r].map((a,i)=>h`<li class="contribution"><span class="piece" style=${Z(n(.8*s[i]/o))}>
                <bdi>${y(a)}</bdi></span><span class="number">${v(s[i])}</span></li>`)}
        </ul>`)}
    <${B} colour=${n} low=${-1} from="${v(-o)} against" to="${v(o)} for" />`}function Ko({attribution:e,method:t,output:n,against:o,values:r}){let s=le(Object.values(r).map(l=>le(l))),a=e.values.at(n)-(o<0?0:e.values.at(o)),i=t.gap?[n,...o<0?[]:[o]].map(l=>`${D(t.gap.at(l))} for ${e.outputs[l]}`):[];return h`<p
    class="readout">Sum of the contributions ${v(s)}; ${o<0?"logit":"difference of the logits"}
    ${" "}${v(a)}.
    ${i.length>0&&` Completeness gap: ${i.join(", ")}.`}</p>`}function Qo({text:e,values:t}){let n=Object.entries(t).flatMap(([i,l])=>Array.from(l,(d,m)=>({sequence:i,i:m,value:d}))),o=_n(t),r=K(n.map(({value:i})=>Math.abs(i))).map(i=>n[i]),s=Object.keys(t).length>1,a=[{name:"Token",text:({sequence:i,i:l})=>y(e.sequences[i][l])},...s?[{name:"Sequence",text:({sequence:i})=>i}]:[],{name:"Position",number:({i})=>i,text:({i})=>String(i)},{name:"Contribution",number:({value:i})=>i,text:({value:i})=>h`<span class="share"><${Q} signed share=${i/o} /><span>${v(i)}</span></span>`}];return h`<h3>By size</h3><${T} caption="Tokens by the size of their contribution" columns=${a}
    rows=${r} limit=${15} />`}function bn({explanation:e,number:t}){let n=e.comparison[t],o=e.models.map(({texts:l})=>l[t]),[r,s]=n.answers,a=n.heads.map(({attention:l})=>l),i=n.heads[O(_("change",0),a.length)];return h`<table class="answers"><caption class="off-screen">The answers of both models</caption>
      <thead><tr><th scope="col">Model</th><th scope="col">Answer</th></tr></thead>
      <tbody>${e.models.map(({name:l},d)=>h`<tr><th scope="row"><bdi>${l}</bdi></th><td>
        <bdi>${n.answers[d]}</bdi></td></tr>`)}</tbody></table>
    <p class="readout">${r===s?"The answer is the same.":"The answer changed."}</p>
    ${i&&h`<h3>Change by head</h3>
      <p class="hint">The mean total variation distance of the rows of weights, from 0 (equal) to 1.
        A click shows the head of both models below.</p>
      <div class="controls"><${L} label="Attention" names=${a} value=${a.indexOf(i.attention)}
        onChange=${l=>$({change:l})} /></div>
      <${Go} change=${i} stack=${o[0].attention.findIndex(({name:l})=>l===i.attention)} />`}
    ${o.every(({attention:l})=>l.length)&&h`<${Xo} explanation=${e}
      texts=${o} />`}`}function Go({change:e,stack:t}){let[n,o]=e.distance.shape,r=P(),s=A(null),a=[_("layer",0),_("heads",[])[0]??-1],i=(p,c)=>$({stack:t,layer:p,heads:[c],masked:null}),l=a[0]<n&&a[1]>=0&&a[1]<o?a:[0,0],d=p=>{let c={ArrowUp:[-1,0],ArrowDown:[1,0],ArrowLeft:[0,-1],ArrowRight:[0,1]}[p.key];if(!c)return;p.preventDefault();let[f,g]=[l[0]+c[0],l[1]+c[1]];f<0||f>=n||g<0||g>=o||(i(f,g),s.current.querySelector(`[data-cell="${f}.${g}"]`).focus())},m=(p,c)=>{let f=e.distance.at(p,c),g=p===l[0]&&c===l[1];return h`<td><button type="button" class=${g?"cell chosen":"cell"} style=${Z(r(.85*f))}
      tabindex=${g?0:-1} data-cell="${p}.${c}"
      aria-label="Layer ${p}, head ${c}: ${f.toFixed(2)}"
      onClick=${()=>i(p,c)}>${f.toFixed(2)}</button></td>`},u=p=>Array.from({length:p},(c,f)=>f);return h`<div class="scroll"><table class="changes" ref=${s} onKeyDown=${d}><caption
    class="off-screen">Change of each head</caption>
      <thead><tr><th scope="col">Layer</th>${u(o).map(p=>h`<th scope="col">Head ${p}</th>`)}</tr>
        </thead>
      <tbody>${u(n).map(p=>h`<tr><th
        scope="row">${p}</th>${u(o).map(c=>m(p,c))}</tr>`)}</tbody></table></div>
    <${B} colour=${p=>r(.85*p)} from="0" to="1" />`}function Xo({explanation:e,texts:t}){let n=t.map(Oe),[{attention:o,layer:r,heads:s}]=n,a=`${o.name}, ${r.name}, ${s.length===1?`head ${s[0]}`:"all heads"}`,i=e.models.map(({name:l})=>[`Queries of ${l}`,`Keys of ${l}`]);return h`<h3>${a}</h3><div class="side-by-side">${n.map((l,d)=>h`<div><h4><bdi>${e.models[d].name}</bdi></h4>
      <${Pe} view=${l} chosen=${xe(l)}
        onChoose=${m=>$({token:m&&`${m.side}${m.index}`})}
        onPoint=${()=>{}} masked=${-1} names=${i[d]} /></div>`)}</div>`}var[yn,vn,we]=[116,34,[96,24]],xn={best:"on the best text",finished:"finished",pruned:"pruned",alive:"alive"};function wn({text:e}){let{beams:t}=e,n=Yo(t),o=A(null),r=O(_("beam",0),t.length),s=yn*(1+Math.max(...t.map(({step:c})=>c))),a=vn*(1+Math.max(...n)),i=c=>{let f=Zo(t,n,r,c.key);f!==void 0&&(c.preventDefault(),$({beam:f}),o.current.querySelector(`[data-node="${f}"]`).focus())},l=c=>t[c].step*yn+4,d=c=>n[c]*vn+4,m=({parent:c,state:f},g)=>{if(c<0)return null;let[b,w]=[l(c)+we[0],l(g)],[x,S]=[d(c)+we[1]/2,d(g)+we[1]/2];return h`<path class="edge ${f}" d="M ${b} ${x} C ${w} ${x}, ${b} ${S}, ${w} ${S}" />`},u=c=>{let{state:f,logprob:g,score:b}=t[c];return`${xn[f]}, log-probability ${v(g)}, score ${v(b)}`},p=(c,f)=>{let g=Jo(y(c))+(c.state==="finished"?" ✓":"");return h`<g class="node ${c.state}" role="treeitem" aria-level=${c.step+1}
      aria-selected=${f===r?"true":"false"} tabindex=${f===r?0:-1} data-node=${f}
      aria-label="${y(c)}, ${u(f)}" onClick=${()=>$({beam:f})}
      transform="translate(${l(f)} ${d(f)})"><rect width=${we[0]} height=${we[1]} rx="5" />
      <text x="8" y="16">${g}</text></g>`};return h`<p class="hint">Thick: the best text. ✓: finished. Dashed: pruned.</p>
    <div class="scroll"><svg ref=${o} class="beams" role="tree" aria-label="Tree of the beam search"
      width=${s} height=${a+8} onKeyDown=${i}>
      ${t.map(m)}${t.map(p)}</svg></div>
    <p class="readout" aria-live="polite"><bdi>${y(t[r])}</bdi>: ${u(r)}.
      Text up to here: <q><bdi>${ut(t,r)}</bdi></q></p>
    <${er} beams=${t} />`}var Jo=e=>[...e].length>10?`${[...e].slice(0,9).join("")}…`:e;function Yo(e){let t=e.map(()=>[]),n=[];e.forEach(({parent:a},i)=>(a<0?n:t[a]).push(i));let o=[],r=0,s=a=>{o[a]=r,t[a].forEach((i,l)=>{l&&(r+=1),s(i)})};return n.forEach((a,i)=>{i&&(r+=1),s(a)}),o}function Zo(e,t,n,o){let{parent:r,step:s}=e[n];if(o==="ArrowLeft")return r<0?void 0:r;if(o==="ArrowRight")return[e.findIndex(l=>l.parent===n)].find(l=>l>=0);let a=e.map((l,d)=>d).filter(l=>e[l].step===s).sort((l,d)=>t[l]-t[d]),i={ArrowUp:-1,ArrowDown:1}[o];return i&&a[a.indexOf(n)+i]}function ut(e,t){return t<0?"":ut(e,e[t].parent)+e[t].text}function er({beams:e}){let t=new Set(e.map(({parent:r})=>r)),n=e.map((r,s)=>s).filter(r=>!t.has(r)&&e[r].state!=="pruned").sort((r,s)=>e[s].score-e[r].score);return h`<h3>Texts</h3><${T} caption="Texts of the beams" columns=${[{name:"Text",text:r=>ut(e,r)},{name:"State",text:r=>xn[e[r].state]},{name:"Score",number:r=>e[r].score}]} rows=${n}
    onChoose=${r=>$({beam:r})} />`}function kn({text:e}){let{steps:t}=e,n=O(_("step",0),t.length),o=Math.max(1e-9,...t.map(({entropy:a})=>a)),r=t.map((a,i)=>({...a,i}));return h`<div class="beside">
    <${T} caption="Steps of the generation" columns=${[{name:"Step",number:({i:a})=>a,text:({i:a})=>String(a+1)},{name:"Token",text:a=>y(a)},{name:"Probability",number:({probability:a})=>a,text:({probability:a})=>D(a),bar:({probability:a})=>a},{name:"Entropy, nats",number:({entropy:a})=>a,bar:({entropy:a})=>a/o},{name:"Instead",text:({candidates:a,text:i})=>a.filter(l=>l.text!==i).slice(0,3).map(l=>`${y(l)} ${D(l.probability)}`).join(", ")}]} rows=${r}
      onChoose=${({i:a})=>$({step:a})} chosen=${({i:a})=>a===n} limit=${100} />
    <div class="aside" aria-live="polite"><h3>Step ${n+1}: <bdi>${y(t[n])}</bdi></h3>
      <${mt} name="Candidates of step ${n+1}" candidates=${t[n].candidates} /></div>
  </div>`}function mt({name:e,candidates:t}){return h`<${T} caption=${e} columns=${[{name:"Candidate",text:o=>y(o)},{name:"Probability",number:({probability:o})=>o,text:({probability:o})=>D(o),bar:({probability:o})=>o}]} rows=${t} />`}var dt={probability:[({probability:e})=>e,["0","1"]],rank:[({rank:e,worst:t})=>1-Math.log1p(e)/Math.log1p(t),["worst rank","rank 0"]],entropy:[({entropy:e,highest:t})=>1-e/t,["highest entropy","0 nats"]]};function Mn({text:e}){let{lens:t}=e,n=e.sequences[t.sequence],o=_("colour","probability")in dt?_("colour","probability"):"probability",r=P(),[s,a]=dt[o],i={worst:Math.max(1,...t.rank.values),highest:Math.max(1e-9,...t.entropy.values)},l=(c,f)=>({candidate:t.candidates[c][f][0],probability:t.candidates[c][f][0]?.probability??0,rank:t.rank.at(c,f),entropy:t.entropy.at(c,f),...i}),d=_("lens",[]),[m,u]=[Math.min(d[0]??t.layers.length-1,t.layers.length-1),Math.min(d[1]??0,n.length-1)],p=l(m,u);return h`<div class="controls"><${F} label="Colour by" options=${Object.keys(dt)} value=${o}
    onChange=${c=>$({colour:c})} /></div>
    <p class="hint">A row for each token, a column for each layer: the likeliest token by the network's own head.</p>
    <div class="beside">
      <${tr} lens=${t} tokens=${n} cell=${l} shade=${c=>Z(r(.8*s(c)))}
        at=${[m,u]} />
      <div class="aside" aria-live="polite">
        <h3>${t.layers[m]} at token ${u}, <bdi>${y(n[u])}</bdi></h3>
        <p class="readout">Rank of the last layer's first candidate: ${p.rank}.
          Entropy: ${v(p.entropy)} nats.</p>
        <${mt} name="Candidates at ${t.layers[m]}, token ${u}"
          candidates=${t.candidates[m][u]} />
      </div>
    </div>
    <${B} colour=${c=>r(.8*c)} from=${a[0]} to=${a[1]} />`}function tr({lens:e,tokens:t,cell:n,shade:o,at:r}){let s=A(null),a=l=>{let d={ArrowUp:[0,-1],ArrowDown:[0,1],ArrowLeft:[-1,0],ArrowRight:[1,0]}[l.key];if(!d)return;l.preventDefault();let m=[r[0]+d[0],r[1]+d[1]];!(m[0]in e.layers)||!(m[1]in t)||($({lens:m}),s.current.querySelector(`[data-cell="${m.join(".")}"]`).focus())},i=(l,d)=>{let m=n(l,d),u=l===r[0]&&d===r[1],p=m.candidate?y(m.candidate):"–";return h`<td><button type="button" class=${u?"cell chosen":"cell"} style=${o(m)}
      tabindex=${u?0:-1} data-cell="${l}.${d}"
      aria-label="${p}, ${D(m.probability)}, rank ${m.rank}, entropy ${v(m.entropy)}"
      aria-pressed=${u?"true":"false"}
      onClick=${()=>$({lens:[l,d]})}><bdi>${p}</bdi></button></td>`};return h`<div class="scroll"><table class="lens" ref=${s} onKeyDown=${a}>
    <caption class="off-screen">The likeliest token at each layer</caption>
    <thead><tr><th scope="col">Token</th>${e.layers.map(l=>h`<th scope="col">${l}</th>`)}</tr></thead>
    <tbody>${t.map((l,d)=>h`<tr><th scope="row"><bdi>${y(l)}</bdi>
      </th>${e.layers.map((m,u)=>i(u,d))}</tr>`)}</tbody>
  </table></div>`}var ht={lens:["Logit lens",Mn,({lens:e})=>e!==null],steps:["Steps",kn,({steps:e})=>e.length>0],beams:["Beams",wn,({beams:e})=>e.length>0]},An=e=>Object.values(ht).some(([,,t])=>t(e));function Sn({text:e}){let t=Object.entries(ht).filter(([,[,,r]])=>r(e)),n=t.some(([r])=>r===_("part",""))?_("part",""):t[0][0],o=ht[n][1];return t.length===1?h`<${o} text=${e} />`:h`<${me} small label="By depth" panel="part-panel" value=${n}
    tabs=${t.map(([r,[s]])=>[r,s])} onChange=${r=>$({part:r})} />
    <div id="part-panel" role="tabpanel" aria-labelledby="tab-${n}"><${o} text=${e} /></div>`}function qn({text:e}){let t=Math.min(_("convolution",0),e.filters.length),n=t?[e.filters[t-1]]:e.filters,o=n.flatMap(u=>Array.from({length:u.value.size},(p,c)=>({layer:u,filter:c,number:e.filters.indexOf(u)}))),r=({layer:u,filter:p})=>u.value.at(p),s=Math.max(1e-9,...o.map(r)),a=_("filter",[]),i=o.find(u=>u.number===a[0]&&u.filter===a[1])??null,l=[{name:"Filter",text:({layer:u,filter:p})=>`${u.name}, ${p}`,number:u=>u.number*1e4+u.filter},{name:"N-gram",text:u=>Cn(e,u)},{name:"Maximum",number:r,text:u=>v(r(u)),bar:u=>r(u)/s}],d=i?`Filter ${i.filter} of ${i.layer.name}: ${Cn(e,i)}, ${v(r(i))}`:`${Xe(o.length,"filter")}: a token is the darker, or in the dark the brighter, the more of them chose it.`,m=u=>$({filter:u===i?null:[u.number,u.filter]});return h`<div class="controls"><${L} label="Convolution"
    names=${["all",...e.filters.map(({name:u})=>u)]} value=${t}
      onChange=${u=>$({convolution:u,filter:null})} /></div>
    ${[...new Set(n.map(({sequence:u})=>u))].map(u=>h`<${nr} text=${e}
      sequence=${u} rows=${i?[i]:o} />`)}
    <p class="readout" aria-live="polite">${d}</p>
    <${T} caption="Filters by their maximum" columns=${l} rows=${o} order=${[2,!0]}
      onChoose=${m} chosen=${u=>u===i} />`}function Cn(e,{layer:t,filter:n}){let o=e.sequences[t.sequence],r=t.start.at(n);return Array.from({length:t.width},(a,i)=>o[r+i]?y(o[r+i]):"[padding]").join(" ")}function nr({text:e,sequence:t,rows:n}){let o=e.sequences[t],r=({layer:m,filter:u},p)=>{let c=m.start.at(u);return m.sequence===t&&p>=c&&p<c+m.width},s=o.map((m,u)=>n.filter(p=>r(p,u)).length),a=P(),i=Math.max(1,...s),l=m=>m?Z(a(.75*m/i)):{},d=(m,u)=>h`<span class="piece" title=${Xe(s[u],"filter")} style=${l(s[u])}>${m.text}</span>${" "}`;return h`<p class="text" dir="auto">${o.map(d)}</p>`}var or=900,rr=380;function Tn({text:e}){let t=O(_("recurrent",0),e.recurrent.length),n=e.recurrent[t],o=sr(n),r=_("array","state h")in o?_("array","state h"):Object.keys(o)[0],s=e.sequences[n.sequence];return h`<div class="controls">
      <${L} label="Layer" names=${e.recurrent.map(a=>a.name)} value=${t}
        onChange=${a=>$({recurrent:a})} />
      <${F} label="Shown" options=${Object.keys(o)} value=${r} onChange=${a=>$({array:a})} />
    </div>
    <p class="hint">Tokens from left to right, units from top to bottom.
      ${n.reverse&&" The layer reads from the end: time runs from right to left."}</p>
    <${ar} name="${n.name}, ${r}" array=${o[r]} tokens=${s} isGate=${r.startsWith("gate")} />
    ${Object.entries(n.gradient).map(([a,i])=>h`<${lr} key=${a} name=${a}
      array=${i} tokens=${s} />`)}`}function sr({states:e,gates:t}){let n=(o,r)=>Object.entries(r).map(([s,a])=>[`${o} ${s}`,a]);return Object.fromEntries([...n("state",e),...n("gate",t)])}var En=e=>Math.max(2,Math.min(16,Math.floor(rr/e))),On=e=>Math.max(3,Math.min(34,Math.floor(or/e)));function ar({name:e,array:t,tokens:n,isGate:o}){let[r,s]=t.shape,a=N(()=>o?1:Math.max(1e-9,t.values.reduce((p,c)=>Math.max(p,Math.abs(c)),0)),[t]),i=o?P():ce(),l=_("unit",[]),d=l.length===2&&l[0]<s&&l[1]<r?l:null,m=[On(r),En(s)],u=(p,c)=>`Token ${c}, ${y(n[c])}, unit ${p}: ${v(t.at(c,p))}`;return h`<${Re} name=${e} rows=${Array.from({length:s},(p,c)=>`unit ${c}`)}
    columns=${n.map(y)}
      colour=${(p,c)=>i(t.at(c,p)/a)} cells=${[t]} describe=${u} cursor=${d}
      onMove=${(p,c)=>$({unit:[p,c]})} cell=${m} />
    <${B} colour=${i} low=${o?0:-1} from=${o?"0":v(-a)} to=${v(a)} />
    ${d&&h`<${ir} array=${t} token=${n[d[1]]} time=${d[1]} />`}`}function ir({array:e,token:t,time:n}){let o=e.row(n),r=K(o.map(Math.abs)),s=[{name:"Unit",number:a=>a,text:a=>String(a)},{name:"Value",number:a=>o[a],text:a=>v(o[a])}];return h`<details><summary>Units at <bdi>${y(t)}</bdi> in numbers</summary>
    <${T} caption="Units at ${y(t)}, the largest first" columns=${s} rows=${r} limit=${12} />
      </details>`}function lr({name:e,array:t,tokens:n}){let o=N(()=>n.map((c,f)=>Math.hypot(...t.row(f))),[t]),r=o.filter(c=>c>0),[s,a]=[Math.log10(Math.min(...r,1)),Math.log10(Math.max(...r,1e-12))],i=c=>c>0?.06+.94*(Math.log10(c)-s)/(a-s||1):0,l=On(n.length),d=at(En(t.shape[1])),m=te((c,f,g)=>{c.fillStyle=Ze(P()(.62)),o.forEach((b,w)=>c.fillRect(d+w*l+1,g*(1-i(b)),Math.max(1,l-2),g*i(b)))}),u=[{name:"Token",text:c=>`${c}: ${y(n[c])}`},{name:"Norm of the gradient",number:c=>o[c],bar:c=>i(o[c])}],p=`${v(Math.min(...o))} to ${v(Math.max(...o))}`;return h`<h3>Gradient of the loss by state ${e}</h3>
    <p class="hint">The norm at each token, ${p}; heights are logarithmic.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Norm of the gradient by state ${e}"><canvas
      ref=${m} aria-hidden="true" style=${{width:`${d+l*n.length}px`,height:"84px"}}>
      </canvas></div>
    <details><summary>Norms in numbers</summary><${T} caption="Norm of the gradient by state ${e}"
      columns=${u} rows=${n.map((c,f)=>f)} /></details>`}var Ln=({layer:e,head:t})=>t===null?e:`${e}, head ${t}`;function jn({text:e}){let t=O(_("search",0),e.search.length),n=e.search[t],o=e.sequences[n.sequence],r=O(_("near",0),o.length);return h`<div class="controls"><${L} label="Nearest by" names=${e.search.map(Ln)} value=${t}
    onChange=${s=>$({search:s})} /></div>
    <div class="neurons">
      <div class="narrow-list"><h3>Token</h3><${he} name="Tokens" tokens=${o}
        indices=${o.map((s,a)=>a)} chosen=${r} onChoose=${s=>s>=0&&$({near:s})} /></div>
      <div aria-live="polite">
        <h3>Nearest to <bdi>${y(o[r])}</bdi> by the cosine at ${Ln(n)}</h3>
        <${cr} neighbours=${n.neighbours[r]??[]} />
        <${ur} summary=${n.summary[r]??{}} />
      </div>
    </div>`}function cr({neighbours:e}){let t=[...new Set(e.flatMap(r=>Object.keys(r.tags)))],o=[{name:"Similarity",number:({similarity:r})=>r},{name:"In the corpus",text:({before:r,text:s,after:a})=>h`<span class="context"><span class="before"><bdi>${r}</bdi></span><mark><bdi>${s}</bdi></mark><span>
      <bdi>${a}</bdi></span></span>`},...t.map(r=>({name:r,text:s=>s.tags[r]??""}))];return h`<${T} caption="Nearest tokens of the corpus" columns=${o} rows=${e} />`}function ur({summary:e}){return h`<div class="summaries">${Object.entries(e).map(([t,n])=>h`<div><h3>${t}</h3><dl class="shares">${Object.entries(n).sort((o,r)=>r[1]-o[1]).map(([o,r])=>h`<div><dt>${o}</dt><dd><span class="share"><${Q} share=${r} /><span>${D(r)}</span>
              </span></dd></div>`)}</dl></div>`)}</div>`}var mr={attention:["Attention",gn,({attention:e})=>e.length>0],why:["Why this answer",$n,({attribution:e,terms:t})=>e!==null||t!==null],depth:["By depth",Sn,An],states:["Recurrent states",Tn,({recurrent:e})=>e.length>0],filters:["Filters",qn,({filters:e})=>e.length>0],search:["Search",jn,({search:e})=>e.length>0]},dr="stack layer heads token masked cell unit lens output against beam step near filter change recurrent";function Nn({explanation:e}){let[,t]=ee(0);H(()=>{let u=()=>t(c=>c+1),p=[Ct(u),jt(u)];return()=>p.forEach(c=>c())},[]);let{models:n,comparison:o,notes:r}=e,s=n[O(_("model",0),n.length)],a=O(_("text",0),s.texts.length),i=s.texts[a],l=Object.entries(mr).filter(([,[,,u]])=>u(i)).map(([u,[p,c]])=>[u,p,c]);o[a]&&l.push(["models","Two models",bn]);let d=l.find(([u])=>u===_("view",""))??l[0],m=Object.fromEntries(dr.split(" ").map(u=>[u,null]));return h`<header>
      <h1><bdi>${n.map(({name:u})=>u).join(" and ")}</bdi></h1>
      <p>${s.objective} · ${s.architecture}</p>
    </header>
    <main>
      <section class="text-section" aria-label="Text">
        <div class="controls">
          <${L} label="Text" names=${s.texts.map(hr)} value=${a}
            onChange=${u=>$({...m,text:u})} />
          ${d?.[0]!=="models"&&h`<${L} label="Model" names=${n.map(({name:u})=>u)}
            value=${n.indexOf(s)} onChange=${u=>$({model:u})} />`}
        </div>
        <${fr} text=${i} />
      </section>
      ${l.length>0&&h`<${me} label="Views" panel="view-panel" value=${d[0]} tabs=${l}
          onChange=${u=>$({view:u})} />
      <section id="view-panel" role="tabpanel" aria-labelledby="tab-${d[0]}">
        <h2 class="off-screen">${d[1]}</h2>
        <${d[2]} key="${a} ${d[0]} ${n.indexOf(s)}" text=${i} explanation=${e}
          number=${a} />
      </section>`}
      ${r.length>0&&h`<aside class="notes" aria-label="Notes">
        <ul>${r.map(u=>h`<li>${u}</li>`)}</ul></aside>`}
    </main>`}function hr({inputs:e},t){let n=[...String(Object.values(e).find(o=>typeof o=="string")??"")];return`${t+1}: ${n.slice(0,60).join("")}${n.length>60?"…":""}`}function fr({text:e}){let t=o=>typeof o=="string"?o:JSON.stringify(o),n=Object.entries(e.inputs).filter(([,o])=>o!=="");return h`<dl class="inputs">
    ${n.map(([o,r])=>h`<div><dt>${o}</dt><dd dir="auto">${t(r)}</dd></div>`)}
    <div class="answer"><dt>answer</dt><dd dir="auto">${e.answer||"(empty)"}</dd></div>
  </dl>`}var ft={i1:Int8Array,i2:Int16Array,i4:Int32Array},Dn=null,Ie=class{constructor({type:t,offset:n,shape:o,scale:r},s,a){this.shape=o,this.size=o.reduce((i,l)=>i*l,1),this.scale=t==="u1"?r:1,this.strides=pr(o,t==="u1"),this.read=()=>gr(t,s,a+n,this.size,r)}get values(){return this.numbers??=this.read(),this.numbers}at(...t){return this.values[t.reduce((n,o,r)=>n+o*this.strides[r],0)]*this.scale}row(...t){return this.line(t,this.shape.length-1)}column(...t){let n=t.pop();return this.line([...t,0,n],this.shape.length-2)}line(t,n){let o=t.reduce((i,l,d)=>i+l*this.strides[d],0),r=new Float32Array(this.shape[n]),{values:s,scale:a}=this;for(let i=0,l=o;i<r.length;i++,l+=this.strides[n])r[i]=s[l]*a;return r}};function pr(e,t){let n=new Array(e.length).fill(1);for(let o=e.length-2;o>=0;o--)n[o]=n[o+1]*e[o+1];return t&&n.splice(-2,2,1,e.at(-2)),n}function gr(e,t,n,o,r){if(e==="u1")return t.subarray(n,n+o);if(e==="bit")return Uint8Array.from({length:o},(a,i)=>t[n+(i>>3)]>>(i&7)&1);if(e in ft)return new ft[e](t.slice(n,n+o*ft[e].BYTES_PER_ELEMENT).buffer);let s=new Uint16Array(t.slice(n,n+2*o).buffer);return Dn??=Float32Array.from({length:65536},(a,i)=>$r(i)),Float32Array.from(s,a=>Dn[a]*r)}function $r(e){let t=e&32768?-1:1,n=e>>10&31,o=(e&1023)/1024;return n===31?o?NaN:t*(1/0):t*(n?2**(n-15)*(1+o):2**-14*o)}async function Pn(e){let t=await br(_r(e)),n=4+new DataView(t.buffer).getUint32(0,!0),{value:o,arrays:r}=JSON.parse(new TextDecoder().decode(t.subarray(4,n)));return Rn(o,r.map(s=>new Ie(s,t,n)))}function _r(e){if(Uint8Array.fromBase64)return Uint8Array.fromBase64(e);let t=atob(e),n=new Uint8Array(t.length);for(let o=0;o<n.length;o++)n[o]=t.charCodeAt(o);return n}async function br(e){let t=new Blob([e]).stream().pipeThrough(new DecompressionStream("deflate-raw"));return new Uint8Array(await new Response(t).arrayBuffer())}function Rn(e,t){if(e===null||typeof e!="object")return e;if("$array"in e)return t[e.$array];for(let n of Object.keys(e))e[n]=Rn(e[n],t);return e}async function yr(){let e=document.getElementById("page");try{let t=await Pn(document.getElementById("data").textContent);e.replaceChildren(),Ge(h`<${Nn} explanation=${t} />`,e),document.documentElement.dataset.ready="true"}catch(t){throw e.textContent=`The explanation cannot be shown: ${t.message}`,t}}yr();})();

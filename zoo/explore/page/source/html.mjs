/** What components need of Preact and htm. Strings become text: no text of a person or a model is read as HTML. */

export { html } from "htm/preact";
export { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

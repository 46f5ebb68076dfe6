/** Canvases that are as sharp as the screen, and drawn anew when their size or the colour scheme changes. */

import { useLayoutEffect, useRef } from "./html.mjs";

/** A reference to a canvas that `draw(context, width, height)` fills, in pixels of CSS, after each render. */
export function useCanvas(draw) {
  const canvas = useRef(null);
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => paint(canvas.current, latest.current));
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => paint(canvas.current, latest.current));
  return canvas;
}

/** Fit the pixels of a canvas to its size, and draw. */
export function paint(canvas, draw) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  draw(context, width, height);
}

/** An image of rows x columns pixels, each of the colour [red, green, blue] that `colour(row, column)` returns. */
export function cellImage(rows, columns, colour) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i += 4) {
      const [red, green, blue] = colour(row, column);
      image.data[i] = red;
      image.data[i + 1] = green;
      image.data[i + 2] = blue;
      image.data[i + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Call a function at the next frame, once however often it is asked for. */
export function useFrame(action) {
  const latest = useRef(action);
  const frame = useRef(0);
  latest.current = action;
  return () => {
    if (frame.current) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      latest.current();
    });
  };
}

/** The value of a custom property of CSS. */
export const cssValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

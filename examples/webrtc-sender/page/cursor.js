// SPDX-License-Identifier: MIT
// The guest's cursor: as the browser's own where that is possible, which costs no time, else drawn over the picture.

const CSS_MAX = 128; // pixels; a larger one is not shown by browsers
// Whether a picture may have another density than the page.
const HAS_DENSITY = CSS.supports('cursor', 'image-set(url("x.png") 2x) 0 0, default');

export class Cursor {
  #screen;
  #canvas;
  #image = null; // { canvas, hotX, hotY }
  #bands = null; // the same, while bands come
  #style = null;
  visible = true;
  at = { x: 0, y: 0 };

  // screen: the element whose cursor it is. canvas: over it, for what the browser does not show.
  constructor(screen, canvas) {
    this.#screen = screen;
    this.#canvas = canvas;
  }

  forget() {
    this.#image = null;
    this.#bands = null;
    this.#style = null;
    this.visible = true;
  }

  addBand({ width, height, hotX, hotY, row, rows, rgba }) {
    if (row === 0) this.#bands = width > 0 && height > 0 ? { canvas: new OffscreenCanvas(width, height), hotX, hotY } : null;
    if (this.#bands && rows > 0 && this.#bands.canvas.width === width && rgba.length === 4 * width * rows)
      this.#bands.canvas.getContext('2d').putImageData(new ImageData(rgba, width, rows), 0, row);
    if (row + rows < height) return;
    this.#image = this.#bands;
    this.#style = null;
    if (this.#image) this.#paint();
  }

  // own: the browser's pointer stands for the guest's. at: where it is in the window when the browser shows none for it.
  show({ own, box, guest, ratio, pointer }) {
    const scale = guest.width > 0 ? box.width / guest.width : 1;
    const css = own ? this.#css(scale, ratio) : 'default';
    const over = this.#image && this.visible && (!own || css === null);
    const at = own ? pointer : { x: box.left + (this.at.x + this.#image?.hotX) * scale, y: box.top + (this.at.y + this.#image?.hotY) * scale };

    this.#screen.style.cursor = css ?? 'none';
    this.#canvas.hidden = !over || !at;
    if (this.#canvas.hidden) return;
    this.#canvas.style.transform =
      `translate(${at.x - this.#image.hotX * scale}px, ${at.y - this.#image.hotY * scale}px) scale(${scale})`;
  }

  #paint() {
    this.#canvas.width = this.#image.canvas.width;
    this.#canvas.height = this.#image.canvas.height;
    this.#canvas.getContext('2d').drawImage(this.#image.canvas, 0, 0);
  }

  // null: it is too large for CSS.
  #css(scale, ratio) {
    if (!this.#image) return 'default';
    if (!this.visible) return 'none';
    const { canvas, hotX, hotY } = this.#image;
    const width = Math.max(1, Math.round(canvas.width * scale));
    const height = Math.max(1, Math.round(canvas.height * scale));
    if (width > CSS_MAX || height > CSS_MAX) return null;
    const key = `${width}×${height}@${ratio}`;
    if (this.#style?.key !== key) {
      const density = HAS_DENSITY ? ratio : 1;
      const url = this.#url(Math.round(width * density), Math.round(height * density));
      const image = HAS_DENSITY ? `image-set(url("${url}") ${density}x)` : `url("${url}")`;
      const x = Math.min(Math.max(Math.round(hotX * scale), 0), width - 1);
      const y = Math.min(Math.max(Math.round(hotY * scale), 0), height - 1);

      this.#style = { key, css: `${image} ${x} ${y}, default` };
    }
    return this.#style.css;
  }

  #url(width, height) {
    const scaled = document.createElement('canvas');

    Object.assign(scaled, { width, height });
    const context = scaled.getContext('2d');
    context.imageSmoothingEnabled = width % this.#image.canvas.width !== 0;
    context.drawImage(this.#image.canvas, 0, 0, width, height);
    return scaled.toDataURL();
  }
}

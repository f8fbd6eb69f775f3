// SPDX-License-Identifier: MIT
// What lies over the screen when there is something to say instead of it.

import { Vm } from './protocol.js';

// The first of these that is true, most important first: title, text, whether it is busy, and what is left of the picture.
export function noticeFor({ state, text, inMs, vm, guest, hasPicture }) {
  if (state === 'refused')
    return { title: 'The token is missing or wrong', text: 'It is in the address that qdmabuf-webrtc prints when it starts.', form: true, picture: 'none' };
  if (state === 'waiting')
    return { title: 'Not connected', text: `${text} Trying again${inMs > 1500 ? ` in ${Math.round(inMs / 1000)} s` : ''}.`, busy: true, picture: 'dim' };
  if (state === 'connecting')
    return { title: 'Connecting', text: '', busy: true, picture: 'dim' };
  if (vm === Vm.OFF)
    return { title: 'The virtual machine has ended', text: 'Its sender has not heard of it again.', picture: 'dim' };
  if (vm === Vm.WAITING)
    return { title: 'The virtual machine is off', text: 'It is shown again as soon as it is back.', busy: true, picture: 'dim' };
  if (guest.width === 0 && !hasPicture)
    return { title: 'The guest shows nothing', text: 'Its screen is off.', picture: 'none' };
  if (!hasPicture)
    return { title: 'Waiting for the first picture', text: '', busy: true, picture: 'none' };
  return null;
}

export class Notice {
  #stage;
  #parts;
  #shown = '';

  constructor(stage, part) {
    this.#stage = stage;
    this.#parts = { notice: part('notice'), title: part('notice-title'), text: part('notice-text'), busy: part('busy'), form: part('token-form') };
  }

  show(notice) {
    const { notice: box, title, text, busy, form } = this.#parts;
    const now = JSON.stringify(notice);

    if (now === this.#shown) return;
    this.#shown = now;
    box.classList.toggle('gone', notice === null);
    this.#stage.classList.toggle('away', notice?.picture === 'dim');
    this.#stage.classList.toggle('over', notice?.picture === 'dim');
    this.#stage.classList.toggle('blank', notice?.picture === 'none');
    if (notice === null) return;
    title.textContent = notice.title;
    text.textContent = notice.text;
    busy.hidden = !notice.busy;
    form.hidden = !notice.form;
  }
}

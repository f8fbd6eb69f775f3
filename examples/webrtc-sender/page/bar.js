// SPDX-License-Identifier: MIT
// The bar above the screen: buttons, tabs, and who has control.

import { Control } from './protocol.js';

export class Bar {
  figuresWanted = false;
  #part;
  #actions;
  #consoles = '';

  // part: an element by its id. actions: what the buttons do.
  constructor(part, actions) {
    this.#part = part;
    this.#actions = actions;
    const on = (id, act) => part(id).addEventListener('click', act);

    on('take', actions.take);
    on('cad', actions.ctrlAltDel);
    on('type', () => this.#openTyping());
    on('resize', () => actions.resize(part('resize').ariaPressed !== 'true'));
    on('fingers', () => actions.fingers(part('fingers').ariaPressed !== 'true'));
    on('full', actions.full);
    on('figures', () => this.#toggleFigures());
    // Who uses the mouse goes on with the guest; who uses the keyboard stays in the bar.
    part('tools').addEventListener('click', (event) => event.detail > 0 && !part('type-dialog').open && actions.back());
    part('type-dialog').addEventListener('close', () => this.#closeTyping());
    part('tabs').addEventListener('keydown', (event) => this.#onTabKey(event));
  }

  focus() {
    const first = [...this.#part('bar').querySelectorAll('button')].find((button) => !button.disabled && button.offsetParent);

    first?.focus();
  }

  showControl({ mayControl, state, holder, seats, known }, connected) {
    const you = state === Control.YOU;
    const others = seats > 1 ? ` · ${seats} viewers` : '';
    const who = this.#part('who');

    who.className = you ? 'you' : 'other';
    who.textContent = you ? `You have control${others}` : (state === Control.ANOTHER ? `Viewer ${holder} has control` : 'Nobody has control') + others;
    if (!mayControl) who.textContent = `Viewing only${others}`;
    who.hidden = !connected || !known;
    this.#part('take').hidden = !connected || !mayControl || you;
    for (const id of ['cad', 'type']) this.#part(id).disabled = !connected || !you;
  }

  showResize(wanted) {
    this.#part('resize').ariaPressed = String(wanted);
  }

  // possible: there are fingers here, and the guest may have a touch screen.
  showFingers(possible, wanted) {
    this.#part('fingers').hidden = !possible;
    this.#part('fingers').ariaPressed = String(wanted);
  }

  showFull(full) {
    this.#part('full').ariaPressed = String(full);
  }

  showLamps({ numLock, capsLock, scrollLock }) {
    this.#part('num').hidden = !numLock;
    this.#part('caps').hidden = !capsLock;
    this.#part('scroll').hidden = !scrollLock;
  }

  // list: of { index, label }.
  showConsoles(list, selected) {
    const now = JSON.stringify(list.map(({ index, label }) => [index, label]));
    const tabs = this.#part('tabs');

    if (now !== this.#consoles) {
      this.#consoles = now;
      tabs.replaceChildren(...list.map((one) => this.#tab(one)));
    }
    // One tab is of use to who looks at a console that is gone.
    tabs.hidden = list.every(({ index }) => index === selected);
    this.select(selected);
  }

  select(index) {
    for (const tab of this.#part('tabs').children) {
      const chosen = tab.dataset.index === String(index);

      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
  }

  showFigures(rows) {
    const list = this.#part('figures-list');

    list.replaceChildren(...rows.flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const said = document.createElement('dd');

      term.textContent = name;
      said.textContent = value;
      return [term, said];
    }));
  }

  #tab({ index, label }) {
    const tab = document.createElement('button');

    Object.assign(tab, { type: 'button', role: 'tab', textContent: label || `Console ${index}` });
    tab.dataset.index = index;
    tab.addEventListener('click', () => this.#actions.console(index));
    return tab;
  }

  #onTabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tabs = [...this.#part('tabs').children];

    if (!step) return;
    event.preventDefault();
    tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length]?.focus();
  }

  #toggleFigures() {
    this.figuresWanted = !this.figuresWanted;
    this.#part('figures').ariaPressed = String(this.figuresWanted);
    this.#part('statistics').hidden = !this.figuresWanted;
  }

  #openTyping() {
    this.#part('type-dialog').returnValue = '';
    this.#part('type-dialog').showModal();
  }

  #closeTyping() {
    const text = this.#part('type-text');

    if (this.#part('type-dialog').returnValue === 'type') this.#actions.type(text.value);
    text.value = '';
  }
}

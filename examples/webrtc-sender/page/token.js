// SPDX-License-Identifier: MIT
// The right to watch or to control: it comes in the address, and stays with the tab.

const KEY = 'qdmabuf-webrtc-token';

// "#token=…", a whole address, or the token alone.
export function tokenOf(text) {
  const hash = text.includes('#') ? text.slice(text.indexOf('#') + 1) : text;
  const parameters = new URLSearchParams(hash);

  return parameters.get('token') ?? (hash.includes('=') ? null : hash.trim() || null);
}

// The token of the address, which is taken out of it, or that of before; null: none.
export function loadToken() {
  const token = location.hash ? tokenOf(location.hash) : null;

  if (token === null) return sessionStorage.getItem(KEY);
  saveToken(token);
  history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}

export function saveToken(token) {
  sessionStorage.setItem(KEY, token);
}

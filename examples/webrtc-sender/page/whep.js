// SPDX-License-Identifier: MIT
// WHEP, the player's side: an offer goes out, an answer comes back, and the session has an address.

export class Refusal extends Error {
  // status: of HTTP; 0: nobody answered. retryAfter: seconds, or NaN.
  constructor(status, text, retryAfter = NaN) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function refusalOf(response) {
  const type = response.headers.get('Content-Type') ?? '';
  let text = `The sender answered ${response.status}.`;

  if (type.includes('json')) {
    const problem = await response.json().catch(() => ({}));
    text = problem.detail ?? problem.title ?? text;
  }
  return new Refusal(response.status, text, parseFloat(response.headers.get('Retry-After') ?? ''));
}

export async function request(path, options, token) {
  const headers = { ...options.headers };
  let response = null;

  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    response = await fetch(path, { cache: 'no-store', ...options, headers });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(0, 'The sender does not answer.');
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

// Link: <turn:host:3478?transport=udp>; rel="ice-server"; username="u"; credential="c"
export function iceServers(link) {
  const servers = [];

  for (const part of (link ?? '').split(/,\s*(?=<)/)) {
    const url = /^\s*<([^>]*)>/.exec(part)?.[1];
    const value = (name) => new RegExp(`;\\s*${name}="([^"]*)"`).exec(part)?.[1];

    if (!url || value('rel') !== 'ice-server') continue;
    const server = { urls: url };
    if (value('username') !== undefined) Object.assign(server, { username: value('username'), credential: value('credential') ?? '' });
    servers.push(server);
  }
  return servers;
}

// A piece of an SDP with the candidates of its m-lines, for PATCH.
export function fragment(sdp, candidates) {
  const attribute = (name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)?.[1].trim();
  const kinds = new Map([...sdp.matchAll(/^(m=[^\r\n]*)[\s\S]*?^a=mid:([^\r\n]*)/gm)].map((match) => [match[2], match[1]]));
  const lines = [`a=ice-ufrag:${attribute('ice-ufrag')}`, `a=ice-pwd:${attribute('ice-pwd')}`];

  for (const mid of new Set(candidates.map((candidate) => candidate.sdpMid))) {
    lines.push(kinds.get(mid) ?? 'm=video 9 UDP/TLS/RTP/SAVPF 0', `a=mid:${mid}`);
    for (const candidate of candidates) if (candidate.sdpMid === mid) lines.push(`a=${candidate.candidate}`);
  }
  return [...lines, 'a=end-of-candidates', ''].join('\r\n');
}

export class Whep {
  #token;
  #location = null;
  #etag = null;

  constructor(token) {
    this.#token = token;
  }

  // { answer, iceServers }
  async post(path, offer, signal) {
    const response = await request(
      path, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer, signal }, this.#token);
    const location = response.headers.get('Location');

    this.#location = location && new URL(location, response.url).href;
    this.#etag = response.headers.get('ETag');
    return { answer: await response.text(), iceServers: iceServers(response.headers.get('Link')) };
  }

  async patch(sdp, candidates) {
    const headers = { 'Content-Type': 'application/trickle-ice-sdpfrag' };

    if (!this.#location || candidates.length === 0) return;
    if (this.#etag) headers['If-Match'] = this.#etag;
    await request(this.#location, { method: 'PATCH', headers, body: fragment(sdp, candidates) }, this.#token);
  }

  // Also while the page goes away.
  end() {
    if (this.#location) request(this.#location, { method: 'DELETE', keepalive: true }, this.#token).catch(() => {});
    this.#location = null;
  }
}

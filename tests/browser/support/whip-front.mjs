// SPDX-License-Identifier: MIT
// WHIP (RFC 9725) in front of Janus: each POST to /whip/ROOM becomes a publisher of that room.
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';

const WATCH_PAGE = '<!doctype html><title>watch</title><video muted autoplay playsinline></video>';

async function bodyOf(request) {
  let text = '';
  for await (const part of request.setEncoding('utf8'))
    text += part;
  return text;
}

// Emits "publisher" when one is there, "refused" for a wrong token.
export class WhipFront extends EventEmitter {
  // token: of who may publish. links: values of Link.
  constructor(session, { token, links = [] }) {
    super();
    Object.assign(this, { session, token, links, requests: [], publishers: new Map(), count: 0 });
  }

  // What was asked since the last call.
  take() { return this.requests.splice(0); }

  async listen() {
    this.server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => response.writeHead(500).end(error.message));
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async #answer(request, response) {
    const { method, url: path, headers } = request;
    if (method === 'GET') { // of the viewers' browser
      response.writeHead(path === '/' ? 200 : 404, { 'Content-Type': 'text/html' }).end(path === '/' ? WATCH_PAGE : '');
      return;
    }
    const authorized = headers.authorization === `Bearer ${this.token}`;
    const [, kind, name] = path.split('/');
    const offer = await bodyOf(request);
    this.requests.push(`${method} ${path}${authorized ? '' : ' refused'}`);
    if (!authorized) {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end();
      this.emit('refused');
    } else if (method === 'POST' && kind === 'moved') {
      response.writeHead(307, { Location: `/whip/${name}` }).end();
    } else if (method === 'POST' && kind === 'whip' && headers['content-type'] === 'application/sdp') {
      await this.#publish(Number(name), offer, response);
    } else if (method === 'DELETE' && kind === 'resource' && this.publishers.has(name)) {
      await this.#remove(name);
      response.writeHead(200).end();
    } else {
      response.writeHead(404).end();
    }
  }

  async #publish(room, sdp, response) {
    const handle = await this.session.attach();
    const up = new Promise((resolve) => handle.once('webrtcup', resolve));
    const { data, jsep } = await handle.message({ request: 'joinandconfigure', ptype: 'publisher', room, display: 'WHIP' },
      { type: 'offer', sdp });
    const name = String(++this.count);
    const publisher = { handle, room, feed: data.id, answer: jsep.sdp, up };
    this.publishers.set(name, publisher);
    response.writeHead(201, {
      'Content-Type': 'application/sdp', Location: `/resource/${name}`, ETag: `"${name}"`, Link: this.links,
    }).end(jsep.sdp);
    this.emit('publisher', publisher);
  }

  async #remove(name) {
    const { handle } = this.publishers.get(name);
    this.publishers.delete(name);
    await handle.detach();
  }

  // Ends all publishers, as a server does that is told to.
  async drop() {
    for (const name of this.publishers.keys())
      await this.#remove(name);
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

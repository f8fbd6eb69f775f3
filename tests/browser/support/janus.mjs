// SPDX-License-Identifier: MIT
// Debian's SFU, Janus, with a configuration of its own in a folder of its own, and its API over HTTP: requests are POSTed,
// what happens is asked for with a GET that waits.
import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnChild } from './child.mjs';

const START_MS = 20_000;
const UNUSED = {
  plugins: ['audiobridge', 'duktape', 'echotest', 'lua', 'nosip', 'recordplay', 'sip', 'streaming', 'textroom', 'videocall', 'voicemail'],
  transports: ['websockets', 'pfunix', 'mqtt', 'nanomsg', 'rabbitmq'],
};
const disable = (kind) => `${kind}: { disable = "${UNUSED[kind].map((name) => `libjanus_${name}.so`).join()}" }\n`;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Janus {
  // rooms: of the plug-in videoroom, { id: "option = value" lines }.
  constructor(rooms) {
    this.rooms = rooms;
    this.secret = randomBytes(16).toString('hex');
    this.log = '';
  }

  async start() {
    this.folder = mkdtempSync(join(tmpdir(), 'qdmabuf-janus-'));
    this.port = await freePort();
    this.adminPort = await freePort();
    const config = (name, text) => writeFileSync(join(this.folder, name), text, { mode: 0o600 });
    config('janus.jcfg', `general: { api_secret = "${this.secret}"; admin_secret = "${this.secret}"; debug_level = 4 }
media: {}\nnat: {}\nevents: { broadcast = false }\n${disable('plugins')}${disable('transports')}`);
    config('janus.transport.http.jcfg', `general: { base_path = "/janus"; http = true; https = false; port = ${this.port}; ip = "127.0.0.1" }
admin: { admin_base_path = "/admin"; admin_http = true; admin_https = false; admin_port = ${this.adminPort}; admin_ip = "127.0.0.1" }\n`);
    config('janus.plugin.videoroom.jcfg', `general: { events = false }\n${
      Object.entries(this.rooms).map(([id, options]) => `room-${id}: {\n${options}\n}\n`).join('')}`);
    this.process = spawnChild('janus', ['--configs-folder', this.folder, '--config', join(this.folder, 'janus.jcfg'), '--disable-colors'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(signal ?? code)));
    const serving = new Promise((resolve) => {
      const hear = (text) => {
        this.log += text;
        if (/Admin\/monitor HTTP webserver started/.test(this.log))
          resolve();
      };
      this.process.stdout.on('data', hear);
      this.process.stderr.on('data', hear);
    });
    let timer = null;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, START_MS, 'is not there in time'); });
    const why = await Promise.race([serving, late, this.ended.then((status) => `ended with ${status}`)]);
    clearTimeout(timer);
    if (why)
      throw new Error(`janus ${why}: ${this.log}`);
    return this;
  }

  async #post(url, body) {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    const answer = await response.json();
    if (answer.janus === 'error')
      throw new Error(`janus ${body.janus}: ${answer.error.reason}`);
    return answer;
  }

  request(path, body) {
    return this.#post(`http://127.0.0.1:${this.port}/janus${path}`, { transaction: randomUUID(), apisecret: this.secret, ...body });
  }

  // What Janus knows of a handle: its ICE, DTLS and counters.
  async inspect({ session, id }) {
    const { info } = await this.#post(`http://127.0.0.1:${this.adminPort}/admin/${session.id}/${id}`,
      { janus: 'handle_info', transaction: randomUUID(), admin_secret: this.secret });
    return info;
  }

  events(session, signal) {
    return fetch(`http://127.0.0.1:${this.port}/janus/${session.id}?maxev=10&apisecret=${this.secret}`, { signal })
      .then((response) => response.json());
  }

  async stop() {
    this.process?.kill('SIGINT');
    const status = await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
    return status;
  }
}

export class Session {
  async open(janus) {
    this.janus = janus;
    this.id = (await janus.request('', { janus: 'create' })).data.id;
    this.handles = new Map();
    this.waiting = new Map();
    this.end = new AbortController();
    this.listening = this.#listen();
    return this;
  }

  async #listen() {
    while (!this.end.signal.aborted) {
      const events = await this.janus.events(this, this.end.signal).catch(() => []);
      for (const event of [events].flat())
        this.#take(event);
    }
  }

  #take(event) {
    const answered = this.waiting.get(event.transaction);
    this.waiting.delete(event.transaction);
    if (answered)
      answered(event);
    else
      this.handles.get(event.sender)?.emit(event.janus, event);
  }

  async attach() {
    const { data } = await this.janus.request(`/${this.id}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' });
    const handle = new Handle(this, data.id);
    this.handles.set(handle.id, handle);
    return handle;
  }

  // The event that answers a message.
  async message(handle, body, jsep) {
    const transaction = randomUUID();
    const answered = new Promise((resolve) => this.waiting.set(transaction, resolve));
    const reply = await this.janus.request(`/${this.id}/${handle.id}`, { janus: 'message', transaction, body, ...(jsep && { jsep }) });
    const event = reply.janus === 'ack' ? await answered : reply;
    const { data } = event.plugindata;
    if (data.error)
      throw new Error(`janus ${body.request}: ${data.error}`);
    return { data, jsep: event.jsep };
  }

  async close() {
    this.end.abort();
    await this.listening;
    await this.janus.request(`/${this.id}`, { janus: 'destroy' });
  }
}

// Emits what Janus says of it by itself: "webrtcup", "media", "hangup", …
class Handle extends EventEmitter {
  constructor(session, id) {
    super();
    this.session = session;
    this.id = id;
  }

  message(body, jsep) { return this.session.message(this, body, jsep); }
  inspect() { return this.session.janus.inspect(this); }

  detach() {
    this.session.handles.delete(this.id);
    return this.session.janus.request(`/${this.session.id}/${this.id}`, { janus: 'detach' });
  }
}

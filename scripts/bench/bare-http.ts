/**
 * HTTP/1.1 over one kept-alive connection, without a client library: what is timed begins when the request's bytes are
 * handed to the socket. Answers must say their `Content-Length`, as the gateway's do.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monotonicMs } from './monotonic.ts';

export class BareHttp {
  readonly #socket: Socket;
  readonly #host: string;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
  }

  static async connect(url: string): Promise<BareHttp> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new BareHttp(socket, host);
  }

  /** One at a time. @returns when it was sent @throws when the answer is not 200 */
  async post(path: string, values: object): Promise<number> {
    const text = JSON.stringify(values);
    const head = `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
    const bytes = Buffer.from(head + text);
    const answered = this.#answer();
    const sentMs = monotonicMs();
    this.#socket.write(bytes);
    const answer = await answered;
    if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`${path} was answered ${answer}`);
    return sentMs;
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer(): Promise<string> {
    return new Promise((resolve, reject) => {
      let heard = '';
      const gone = () => reject(new Error('the gateway closed the connection'));
      const take = (chunk: Buffer) => {
        heard += chunk.toString('latin1');
        const end = heard.indexOf('\r\n\r\n');
        const length = /^content-length: *(\d+)/im.exec(heard.slice(0, Math.max(0, end)))?.[1];
        if (length === undefined || heard.length < end + 4 + Number(length)) return;
        this.#socket.off('data', take).off('close', gone);
        resolve(heard);
      };
      this.#socket.on('data', take).on('close', gone);
    });
  }
}

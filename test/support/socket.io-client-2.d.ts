/** The part of socket.io-client 2.5 that the tests use; the package brings no types. */
declare module 'socket.io-client-2' {
  export interface Socket2 {
    on(event: string, listener: (payload: never) => void): this;
    once(event: string, listener: (payload: never) => void): this;
    close(): this;
    disconnect(): this;
    readonly connected: boolean;
  }
  export default function io(
    url: string,
    options?: {
      transports?: string[];
      query?: Record<string, string>;
      forceNew?: boolean;
      reconnection?: boolean;
    },
  ): Socket2;
}

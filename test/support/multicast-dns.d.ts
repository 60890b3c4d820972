/** The part of multicast-dns 7.2 that the simulators use; the package brings no types. */
declare module 'multicast-dns' {
  interface Answer {
    name: string;
    type: 'PTR' | 'SRV' | 'TXT' | 'A';
    ttl: number;
    data: string | string[] | { port: number; target: string };
  }
  export interface MulticastDns {
    on(event: 'query', listener: (query: { questions: { name: string }[] }) => void): this;
    on(event: 'error' | 'warning', listener: (error: Error) => void): this;
    respond(packet: { answers: Answer[]; additionals: Answer[] }): void;
    destroy(): void;
  }
  export default function mdns(options?: {
    loopback?: boolean;
    interface?: string;
    bind?: string;
  }): MulticastDns;
}

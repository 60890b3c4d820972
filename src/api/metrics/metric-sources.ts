/** Where the metrics are read from, at each scrape. */
import type { Devices } from '../../core/devices/devices.ts';
import type { Figures } from '../../core/figures.ts';
import type { Health } from '../../core/health.ts';
import type { HttpFigures } from '../http-figures.ts';

export interface MetricSources {
  devices: Devices;
  health: Health;
  figures: Figures;
  http: HttpFigures;
  /** Clients of socket events: how many there are, and how many were cut because they did not keep up. */
  sockets: () => { clients: number; cut: number };
}

/** uPlot as the pages need it: lines on a time axis, an axis for each unit, in the colours of the theme. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Series } from '../../devices/history.ts';

export interface Line {
  attribute: string;
  name: string;
  unit: string | undefined;
}
export interface ChartForm {
  lines: readonly Line[];
  width: number;
  height: number;
  number: (value: number) => string;
  /** A moment beside the axis; `days` where its marks are whole days. */
  moment: (ms: number, days: boolean) => string;
}

/** There are as many colours in styles/base.css. */
export const LINES_MAX = 6;
const AXIS_WIDTH = 58;
const MS = 1_000;
const DAY_S = 86_400;

/** What a chart draws. A gap is a null that is not spanned; elsewhere lines go on over intervals without a value. */
export function chartData(series: Series, lines: readonly Line[]): uPlot.AlignedData {
  const columns = lines.map(({ attribute }) =>
    (series.means[attribute] ?? []).map((value) =>
      value === null ? undefined : Number.isNaN(value) ? null : value,
    ),
  );
  return [series.times.map((time) => time / MS), ...columns] as uPlot.AlignedData;
}

/** @throws never; whoever makes it destroys it */
export function makeChart(parent: HTMLElement, form: ChartForm, data: uPlot.AlignedData): uPlot {
  const { lines, width, height, number, moment } = form;
  const units = [...new Set(lines.map(({ unit }) => unit ?? ''))];
  const ink = colour('--soft');
  const grid = { stroke: colour('--line'), width: 1 };
  return new uPlot(
    {
      width,
      height,
      ms: 1e-3,
      cursor: { points: { size: 8 }, drag: { x: false, y: false } },
      legend: { live: false, show: false },
      scales: Object.fromEntries(units.map((unit) => [scaleOf(unit), { auto: true }])),
      series: [
        {},
        ...lines.map(({ name, unit }, index) => ({
          label: name,
          scale: scaleOf(unit ?? ''),
          stroke: colour(`--series-${index + 1}`),
          width: 2,
          // lines are told apart without colour as well
          ...(index === 0
            ? {}
            : {
                dash: [
                  [8, 4],
                  [2, 4],
                  [12, 4, 2, 4],
                  [4, 2],
                  [1, 3],
                ][index - 1] as number[],
              }),
          points: { show: (_: uPlot, __: number, first: number, last: number) => last - first < 24 },
        })),
      ],
      axes: [
        {
          stroke: ink,
          grid,
          ticks: grid,
          space: 64,
          values: (_: uPlot, marks: number[], __: number, ___: number, apart: number) =>
            marks.map((mark) => moment(mark * MS, apart >= DAY_S)),
        },
        ...units.slice(0, 2).map((unit, index) => ({
          scale: scaleOf(unit),
          side: index === 0 ? (3 as const) : (1 as const),
          size: AXIS_WIDTH,
          stroke: ink,
          ticks: grid,
          grid: index === 0 ? grid : { show: false },
          values: (_: uPlot, ticks: number[]) =>
            ticks.map((tick) => `${number(tick)}${unit === '' ? '' : ` ${unit}`}`),
        })),
      ],
    },
    data,
    parent,
  );
}

function scaleOf(unit: string): string {
  return `unit ${unit}`;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

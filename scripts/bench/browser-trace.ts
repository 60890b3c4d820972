/** How long a page's main thread was busy at a stretch, by the browser's own tracing (the trace event format of Chromium). */
import type { CDPSession } from 'playwright-core';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  dur?: number;
  args?: { name?: string };
}

export interface Traced {
  /** The longest task of the main thread, in milliseconds: no frame can come in between. */
  longestMs: number;
  /** Of all tasks, as a share of the time traced. */
  busy: number;
}

const CATEGORIES = ['toplevel', '__metadata'];

/** Traces the page of `session` for a while. */
export async function traced(session: CDPSession, ms: number): Promise<Traced> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }) => events.push(...(value as TraceEvent[]));
  session.on('Tracing.dataCollected', collect);
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES, recordMode: 'recordAsMuchAsPossible' },
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  session.off('Tracing.dataCollected', collect);
  const tasks = tasksOfPages(events);
  if (tasks.length === 0) throw new Error('the browser has traced no task of a page');
  return {
    longestMs: Math.max(...tasks) / 1_000,
    busy: tasks.reduce((sum, each) => sum + each, 0) / 1_000 / ms,
  };
}

/** Durations of the tasks of every renderer's main thread, in microseconds. */
function tasksOfPages(events: readonly TraceEvent[]): number[] {
  const threads = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  return events
    .filter(
      ({ name, ph, pid, tid }) =>
        name === 'ThreadControllerImpl::RunTask' && ph === 'X' && threads.has(`${pid}/${tid}`),
    )
    .map(({ dur = 0 }) => dur);
}

/** What long work does just now, in words. */
import { language } from '../text/language.svelte.ts';

export function workLabel(phase: string | undefined): string {
  return language.find(`maintenance.phases.${phase ?? 'preparing'}`) ?? phase ?? '';
}

/** What every control is given. */
import type { Device } from '../../api/answers.ts';
import type { Values } from '../../devices/values.ts';

export interface ControlProps<Control> {
  device: Pick<Device, 'id' | 'name'>;
  control: Control;
  values: Values;
  /** Given what went wrong, and nothing once a command was done. */
  onended?: (error: unknown) => void;
}

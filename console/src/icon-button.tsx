import type { ButtonHTMLAttributes } from 'preact';
import { Icon, type IconName } from './icon.tsx';

type Attributes = Pick<ButtonHTMLAttributes, 'title' | 'disabled' | 'onClick' | 'aria-pressed'>;

/** A button with a picture only: `label` says in words what it does. */
export function IconButton({ icon, label, ...attributes }: { icon: IconName; label: string } & Attributes) {
  return (
    <button type="button" class="icon-button" aria-label={label} {...attributes}>
      <Icon name={icon} />
    </button>
  );
}

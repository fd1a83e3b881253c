import type { ComponentChildren } from 'preact';
import { specSchema } from '../schema.ts';
import { problems } from './problems.ts';

interface Attributes {
  id: string;
  'aria-describedby': string;
  'aria-invalid': boolean;
}

interface Props {
  name: string;
  label: string;
  hint?: ComponentChildren;
  children: (attributes: Attributes) => ComponentChildren;
}

/** A field with its label, what the service says of it, and what was wrong with it. */
export function Field({ name, label, hint, children }: Props) {
  const wrong = problems.value.fields[name] ?? [];
  const about = hint ?? specSchema.value[name]?.description;
  return (
    <div class={`field${wrong.length > 0 ? ' is-wrong' : ''}`}>
      <label for={`field-${name}`}>{label}</label>
      {children({ id: `field-${name}`, 'aria-describedby': `about-${name}`, 'aria-invalid': wrong.length > 0 })}
      <div id={`about-${name}`} class="about">
        {wrong.map(({ at, detail }) => (
          <p key={`${at} ${detail}`} class="wrong">
            {at === undefined ? '' : `${/^\d+$/.test(at) ? `No. ${Number(at) + 1}` : at}: `}
            {detail}
          </p>
        ))}
        {about !== undefined && <p class="hint">{about}</p>}
      </div>
    </div>
  );
}

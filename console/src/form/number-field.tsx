import { change, settings } from '../program/draft.ts';
import { lowest, specSchema } from '../schema.ts';
import { Field } from './field.tsx';

/** A limit: empty means the service's default, which it shows. */
export function NumberField({ name, label, unit }: { name: string; label: string; unit: string }) {
  const schema = specSchema.value[name] ?? {};
  const value = settings.value.limits[name] ?? '';
  const least = lowest(schema);
  const bounds = [least === undefined ? '' : `from ${least}`, schema.maximum === undefined ? '' : `up to ${schema.maximum}`]
    .filter(Boolean)
    .join(' ');
  return (
    <Field name={name} label={label} hint={[schema.description, bounds].filter(Boolean).join(', ')}>
      {(attributes) => (
        <span class="with-unit">
          <input
            {...attributes}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            placeholder={schema.default === undefined ? '' : JSON.stringify(schema.default)}
            value={value}
            onInput={(event) => change({ limits: { ...settings.value.limits, [name]: event.currentTarget.value } })}
          />
          <span>{unit}</span>
        </span>
      )}
    </Field>
  );
}

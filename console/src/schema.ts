import { signal } from '@preact/signals';
import { get } from './connection.ts';

/** What this service's description of its API says of a job's fields: their defaults, ceilings and meaning. */
export interface FieldSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
}
export type SpecSchema = Record<string, FieldSchema>;

interface Described {
  info?: { version?: string };
  paths?: Record<
    string,
    { post?: { requestBody?: { content?: Record<string, { schema?: { properties?: { spec?: { properties?: SpecSchema } } } }> } } }
  >;
}

/** Empty until it has come: the form works without, it only knows less. */
export const specSchema = signal<SpecSchema>({});
export const serviceVersion = signal('');

export async function loadSchema(): Promise<void> {
  const response = await get('openapi.json');
  if (!response.ok) return;
  const described = (await response.json()) as Described;
  serviceVersion.value = described.info?.version ?? '';
  specSchema.value =
    described.paths?.['/jobs']?.post?.requestBody?.content?.['multipart/form-data']?.schema?.properties?.spec?.properties ?? {};
}

/** The smallest whole number that is allowed, where the schema has a bound. */
export const lowest = ({ minimum, exclusiveMinimum, type }: FieldSchema): number | undefined =>
  minimum ?? (exclusiveMinimum === undefined || type !== 'integer' ? undefined : exclusiveMinimum + 1);

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { environment } from '../../src/config.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/kubernetes');

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec?: {
    replicas?: number;
    minAvailable?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata: { labels: Record<string, string> }; spec: { containers: Container[] } };
    scaleTargetRef?: { name: string };
  };
}

interface Container {
  name: string;
  env?: { name: string; value?: string }[];
  envFrom?: Record<string, { name: string }>[];
  readinessProbe?: { httpGet?: { path: string } };
  resources?: { limits?: { memory?: string } };
  securityContext: unknown;
}

async function resourcesOf(file: string): Promise<Resource[]> {
  const documents = parseAllDocuments(await readFile(join(FOLDER, file), 'utf8'), { strict: true });
  for (const document of documents) expect(document.errors).toEqual([]);
  return documents.map((document) => document.toJS() as Resource);
}

const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.yaml'));
const kustomization = (await resourcesOf('kustomization.yaml')).at(0) as unknown as { resources: string[] };
const all = (await Promise.all(kustomization.resources.map(resourcesOf))).flat();
const named = (kind: string, name: string): Resource | undefined =>
  all.find((resource) => resource.kind === kind && resource.metadata.name === name);

/** Kubernetes' own schemas, and KEDA's, as models that validate. */
async function validate(resource: Resource): Promise<void> {
  const path = `${resource.apiVersion}/${resource.kind}`;
  const source = resource.apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  const models = (await import(`${source}/${path}`)) as Record<string, new (data: unknown) => { validate(): void }>;
  const Model = models[resource.kind];
  if (Model === undefined) throw new Error(`there is no model of ${path}`);
  new Model(resource).validate();
}

/** By their schemas only: no cluster has seen them here. */
describe('the example for Kubernetes', () => {
  it('lists all of its files', () => {
    expect([...kustomization.resources, 'kustomization.yaml'].toSorted()).toEqual(files.toSorted());
  });

  it.each(all.map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource] as const))(
    'is what the schema wants: %s',
    async (_, resource) => {
      await validate(resource);
    },
  );

  it('would be refused with a mistake in it', async () => {
    const broken = structuredClone(named('Deployment', 'api'));
    if (broken?.spec === undefined) throw new Error('there is no such Deployment');
    (broken.spec as { replicas: unknown }).replicas = 'two';
    await expect(validate(broken)).rejects.toThrow(/replicas/);
  });

  it('sets variables that there are', () => {
    const set = all.flatMap((resource) => [
      ...Object.keys(resource.kind === 'ConfigMap' ? (resource.data ?? {}) : (resource.stringData ?? {})),
      ...(resource.spec?.template?.spec.containers.flatMap(({ env }) => env?.map(({ name }) => name) ?? []) ?? []),
    ]);
    expect(set.length).toBeGreaterThan(5);
    for (const name of set) expect(Object.keys(environment.shape)).toContain(name);
  });

  it('names what it has: selectors their pods, references their objects', () => {
    for (const { spec } of all.filter((resource) => resource.spec?.template !== undefined)) {
      expect(spec?.template?.metadata.labels).toMatchObject(spec?.selector?.matchLabels ?? {});
      for (const { envFrom = [] } of spec?.template?.spec.containers ?? []) {
        for (const [ref, { name }] of envFrom.flatMap(Object.entries<{ name: string }>))
          expect(named(ref === 'secretRef' ? 'Secret' : 'ConfigMap', name)).toBeDefined();
      }
    }
    for (const { spec } of all.filter(({ kind }) => kind === 'ScaledObject')) {
      expect(named('Deployment', spec?.scaleTargetRef?.name ?? '')).toBeDefined();
    }
  });

  it('takes requests while no job can run, for they are accepted and wait', () => {
    const [api] = named('Deployment', 'api')?.spec?.template?.spec.containers ?? [];
    expect(api?.readinessProbe?.httpGet?.path).toBe('/healthz');
  });

  it('leaves the number of what is scaled to who scales it', () => {
    const scaled = all
      .filter(({ kind }) => kind === 'ScaledObject')
      .map(({ spec }) => named('Deployment', spec?.scaleTargetRef?.name ?? ''));
    expect(scaled).toHaveLength(1);
    for (const deployment of scaled) expect(deployment?.spec).not.toHaveProperty('replicas');
  });

  it('lets jobs have no more memory than there is in a worker’s pod', () => {
    const [worker] = named('Deployment', 'worker')?.spec?.template?.spec.containers ?? [];
    const limits = named('ConfigMap', 'job-runner')?.data ?? {};
    const jobs = Number(worker?.env?.find(({ name }) => name === 'CONCURRENCY')?.value);
    const mib = Number(/^(\d+)Gi$/.exec(worker?.resources?.limits?.memory ?? '')?.[1]) * 1024;
    expect(jobs * (Number(limits['MAX_MEM_MB']) + Number(limits['MAX_DISK_MB']))).toBeLessThan(mib);
  });

  it('gives no container a privilege', () => {
    for (const container of all.flatMap((resource) => resource.spec?.template?.spec.containers ?? [])) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});

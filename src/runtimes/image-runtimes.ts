import { errnoOf, StartError } from '../errors.ts';
import { chooseDefault } from './choose-default.ts';
import { compareVersions } from './discover.ts';
import { mainPackages, normalizedName } from './packages.ts';
import type { ImageInterpreter, Runtime, Runtimes } from './runtime.ts';

export interface ImageRuntimesOptions {
  /** Images to run jobs in, each with the name of its runtime; without a name, what its interpreter says. */
  images: readonly { name: string | undefined; image: string }[];
  /** What an image has; undefined when there is no such image. Throws a StartError for one that is of no use. */
  describe(image: string): Promise<(Pick<Runtime, 'version' | 'packages' | 'noNetwork'> & { interpreter: ImageInterpreter }) | undefined>;
  /** The command that makes an image which is not there. */
  buildCommand(image: string): string;
  defaultRuntime: string | undefined;
  /** From a client's word to a runtime's name. */
  aliases: Readonly<Record<string, string>>;
  /** How often the images are looked at: they may be built, built anew and removed while the service runs. */
  lookEveryMs: number;
}

const USUAL = '3.12';

/** What an image's tag says of its Python, as long as nobody can ask the image. */
const seriesIn = (image: string): string => /py(?:thon)?-?(3\.\d+)/.exec(image)?.[1] ?? USUAL;

/**
 * Runtimes out of container images. One whose image is not there is `failed`, with the command that makes it, and becomes ready when
 * somebody has done so: jobs wait for it.
 */
export async function createImageRuntimes(options: ImageRuntimesOptions): Promise<Runtimes> {
  const listeners = new Set<() => void>();
  let runtimes = new Map<string, Runtime>();

  async function look({ name, image }: ImageRuntimesOptions['images'][number]): Promise<Runtime> {
    const absent = (detail: string): Runtime => ({
      name: name ?? `python${seriesIn(image)}`,
      version: seriesIn(image),
      state: 'failed',
      detail,
      packages: {},
      interpreter: { image, executable: 'python3', environment: {}, packages: [] },
    });
    try {
      const found = await options.describe(image);
      if (found === undefined) return absent(`the image ${image} is not there; make it with: ${options.buildCommand(image)}`);
      const { version, interpreter, packages, noNetwork } = found;
      const all = new Map(Object.entries(packages).map(([each, its]) => [normalizedName(each), its]));
      return {
        name: name ?? `python${version.replace(/\.\d+$/, '')}`,
        version,
        state: 'ready',
        packages: mainPackages(all),
        interpreter,
        ...(noNetwork === undefined ? {} : { noNetwork }),
      };
    } catch (error) {
      if (error instanceof StartError) return absent(`${error.message} ${error.remedy}`);
      return absent(`the engine does not answer (${errnoOf(error) ?? String(error)})`);
    }
  }

  const lookAtAll = async (): Promise<void> => {
    const found: Runtime[] = [];
    // One after the other: each first look starts a container.
    for (const each of options.images) found.push(await look(each));
    const names = found.toSorted((a, b) => compareVersions(b.version, a.version)).map(({ name }) => name);
    const main = chooseDefault(names, { ...options, searchPath: undefined });
    const inOrder = names.toSorted((a, b) => Number(b === main) - Number(a === main));
    const next = new Map(inOrder.flatMap((name) => found.filter((each) => each.name === name).map((each) => [name, each] as const)));
    const changed = JSON.stringify([...next]) !== JSON.stringify([...runtimes]);
    runtimes = next;
    if (changed) for (const listener of listeners) listener();
  };
  await lookAtAll();

  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    // What is wrong with an image is its runtime's detail; that a name is gone which others are mapped onto can wait for the next look.
    looking ??= lookAtAll()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  }, options.lookEveryMs);
  timer.unref();

  return {
    list: () => [...runtimes.values()],
    get: (name) => runtimes.get(name),
    resolve: (name) => runtimes.get(options.aliases[name] ?? name),
    get defaultName() {
      return runtimes.keys().next().value ?? '';
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

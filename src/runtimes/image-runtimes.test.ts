import { afterEach, describe, expect, it } from 'vitest';
import { StartError } from '../errors.ts';
import { createImageRuntimes, type ImageRuntimesOptions } from './image-runtimes.ts';
import type { Runtimes } from './runtime.ts';

type Described = Awaited<ReturnType<ImageRuntimesOptions['describe']>>;

const described = (version: string): NonNullable<Described> => ({
  version,
  interpreter: { image: `sha256:${version}`, executable: '/opt/runtime/bin/python3', environment: {}, packages: ['numpy'] },
  packages: { NumPy: '2.4.6', obscure: '1' },
});

describe('runtimes of images', () => {
  const open: Runtimes[] = [];
  afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

  async function start(images: Record<string, Described | StartError>, more: Partial<ImageRuntimesOptions> = {}): Promise<Runtimes> {
    const runtimes = await createImageRuntimes({
      images: Object.keys(images).map((image) => ({ name: undefined, image })),
      describe: async (image) => {
        const found = images[image];
        if (found instanceof StartError) throw found;
        return found;
      },
      buildCommand: (image) => `build ${image}`,
      defaultRuntime: undefined,
      aliases: {},
      lookEveryMs: 10,
      ...more,
    });
    open.push(runtimes);
    return runtimes;
  }

  it('are named by what their interpreter says, not by the tag', async () => {
    const runtimes = await start({ 'exec:py3.12': described('3.11.2') });
    expect(runtimes.list()).toMatchObject([{ name: 'python3.11', version: '3.11.2', state: 'ready', packages: { numpy: '2.4.6' } }]);
    expect(runtimes.defaultName).toBe('python3.11');
  });

  it('may be several, under names of one’s own, the default first', async () => {
    const images = [
      { name: 'science', image: 'a' },
      { name: 'python3.12', image: 'b' },
    ];
    const runtimes = await start({ a: described('3.13.0'), b: described('3.12.1') }, { images, aliases: { py: 'science' } });
    expect(runtimes.list().map(({ name }) => name)).toEqual(['python3.12', 'science']);
    expect(runtimes.resolve('py')?.version).toBe('3.13.0');
  });

  it('wait for an image that is not there, say how it is made, and are ready when it is', async () => {
    const images: Record<string, Described> = { 'exec:py3.12': undefined };
    const runtimes = await start(images);
    expect(runtimes.list()).toMatchObject([{ name: 'python3.12', state: 'failed', detail: expect.stringContaining('build exec:py3.12') }]);
    const changed = new Promise<void>((resolve) => void runtimes.onChange(resolve));
    images['exec:py3.12'] = described('3.12.9');
    await changed;
    expect(runtimes.list()).toMatchObject([{ name: 'python3.12', version: '3.12.9', state: 'ready' }]);
  });

  it('tell what is wrong with an image that is of no use', async () => {
    const runtimes = await start({ x: new StartError('It is not ours.', 'build it') });
    expect(runtimes.list()).toMatchObject([{ state: 'failed', detail: 'It is not ours. build it' }]);
  });

  it('refuse a default that none of them is', async () => {
    await expect(start({ x: described('3.12.1') }, { defaultRuntime: 'python3.9' })).rejects.toThrow(StartError);
  });
});

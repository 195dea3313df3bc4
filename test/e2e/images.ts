/** The product's three images, built from images/*.Containerfile on the test base, or found in the cache. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, writeContext } from '../../scripts/image-context.ts';
import type { Report } from '../cluster/cache.ts';
import { baseImage, buildImage, type Image } from '../cluster/images.ts';

export const IMAGES = { operator: 'operator', signer: 'sidecar', connector: 'connector' } as const;
export type ImageName = keyof typeof IMAGES;

export const referenceOf = (name: ImageName): string => `localhost/stellar-${name}:test`;

const STAGING = '.state/images';

/** Builds what changed. One after the other: the machine has two cores and each build reads and writes a lot. */
export async function productImages(report: Report, signal: AbortSignal): Promise<Image[]> {
  const base = await baseImage(report, signal);
  const images: Image[] = [];
  for (const [name, program] of Object.entries(IMAGES) as [ImageName, Program][]) {
    const context = join(STAGING, name);
    rmSync(context, { recursive: true, force: true });
    await writeContext(program, context);
    const containerfile = `images/${name}.Containerfile`;
    images.push(
      await buildImage(
        { name: referenceOf(name), containerfile, context, base: base.archive },
        report,
        signal,
      ),
    );
  }
  return images;
}

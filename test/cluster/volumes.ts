import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Api } from './api.ts';
import { type Layout, NODE_NAME } from './layout.ts';

export const STORAGE_CLASS = 'local';
const COUNT = 24;

/** There is no provisioner; the class only says that claims wait for their pod. It is the default class. */
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: STORAGE_CLASS,
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
};

/**
 * A PersistentVolume over a folder of this machine. Of kind `local`, since fsGroup does nothing on hostPath. A claim
 * gets just this one with `volumeName`.
 */
export function localVolume(name: string, folder: string, size = '1Gi'): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: STORAGE_CLASS,
      local: { path: resolve(folder) },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [NODE_NAME] }] },
          ],
        },
      },
    },
  };
}

export const createVolume = (api: Api, name: string, folder: string): Promise<unknown> =>
  api.send('POST', '/api/v1/persistentvolumes', localVolume(name, folder));

/** The class and a stock of empty volumes. */
export async function createVolumes(paths: Layout, api: Api): Promise<void> {
  const names = Array.from({ length: COUNT }, (_, index) => `local-${String(index).padStart(2, '0')}`);
  await Promise.all([
    api.send('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass),
    ...names.map((name) => {
      const folder = join(paths.volumes, name);
      mkdirSync(folder, { recursive: true });
      return createVolume(api, name, folder);
    }),
  ]);
}

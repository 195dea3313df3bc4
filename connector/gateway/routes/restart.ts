import { defineRoute } from '../route.ts';

/** Reads anew what can change in a running process. It ends nothing: orders and connections stay. */
export const restart = defineRoute({
  method: 'post',
  path: '/restart',
  kind: 'read',
  summary: 'Reloads in process; cancels nothing',
  async handle(_input, context) {
    await context.reload();
    return undefined;
  },
});

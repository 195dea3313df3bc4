import { messageOf } from '../../common/errors.ts';
import { judge } from '../config.ts';
import { exactlyOne, listOptions, type Option } from './options.ts';
import { at, type Given } from './sources.ts';

/** One line for each option, for `signer --help`. */
export function optionLines(): string[] {
  const rows = listOptions().map((option) => [`  ${option.variable}`, need(option)] as const);
  const width = Math.max(...rows.map(([variable]) => variable.length));
  return rows.map(([variable, means]) => `${variable.padEnd(width)}  ${means}`);
}

/** Every option with what is in force now, and what is wrong with it all; secrets only as names of files. */
export function explain(given: Given): { text: string; fault: string | undefined } {
  const blocks = listOptions().map((option) =>
    [
      `${option.name}  ${option.variable}`,
      `  ${option.description}`,
      `  ${need(option)}; for example ${option.example}`,
      `  ${inForce(option, given)}`,
    ].join('\n'),
  );
  const rules = exactlyOne.map(({ of }) => `Exactly one of ${of.join(', ')}.`);
  const text = `${[...blocks, rules.join('\n')].join('\n\n')}\n`;
  try {
    judge(given);
    return { text, fault: undefined };
  } catch (error) {
    return { text, fault: messageOf(error) };
  }
}

/** `default 30 days`, `must be given`, `must be given with pkcs11`, `no default`. */
function need({ default: byDefault, isRequired, unit, within }: Option): string {
  if (byDefault !== undefined) return `default ${byDefault}${unit === undefined ? '' : ` ${unit}`}`;
  if (!isRequired) return 'no default';
  return within === undefined ? 'must be given' : `must be given with ${within}`;
}

function inForce({ name, schema, default: byDefault }: Option, { tree, origin }: Given): string {
  const from = origin.get(name);
  if (from === undefined) return byDefault === undefined ? 'now: not set' : `now: ${byDefault} (the default)`;
  const value = at(tree, name);
  return schema.safeParse(value).success ? `now: ${String(value)} (${from})` : `now: refused (${from})`;
}

/** The table of the documentation. */
export function optionTable(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = listOptions().map((option) =>
    [
      `\`${option.name}\``,
      `\`${option.variable}\``,
      need(option),
      option.description,
      `\`${option.example}\``,
    ]
      .map(cell)
      .join(' | '),
  );
  const rules = exactlyOne.map(({ of }) => `* exactly one of ${of.map((name) => `\`${name}\``).join(', ')}`);
  return [
    '| in the file | variable | default | what it is | example |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    ...rules,
  ].join('\n');
}

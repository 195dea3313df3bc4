import { type FileFacts, type Self, secretFileFault } from '../../common/secret-file.ts';

export type StartFaultCode =
  | 'vault-plain-http'
  | 'vault-variable'
  | 'tls-unverified'
  | 'tls-keys-logged'
  | 'debug-output'
  | 'inspector-open'
  | 'memory-dumped'
  | 'code-injected'
  | 'secret-exposed'
  | 'core-dumps'
  | 'library-injected'
  | 'proxy-ignored'
  | 'runs-as-root';

export interface StartFault {
  code: StartFaultCode;
  /** Names the thing and says what to do; no value of a variable is in it. */
  message: string;
}

/** All that the decision is made of. */
export interface StartFacts {
  env: Readonly<Record<string, string | undefined>>;
  execArgv: readonly string[];
  /** Where Node's inspector listens; undefined when it does not. */
  inspectorUrl: string | undefined;
  /** Whether Node writes a diagnostic report by itself. */
  isReporting: boolean;
  self: Self;
  /** Of the files that hold secrets, those that are there. */
  secretFiles: readonly FileFacts[];
  core: CoreFacts;
  /** Address of Vault; undefined with another backend. */
  vaultAddress: string | undefined;
}

/** RLIMIT_CORE in bytes (Infinity: unlimited) and /proc/sys/kernel/core_pattern; undefined where there is no /proc. */
export interface CoreFacts {
  soft: number | undefined;
  pattern: string | undefined;
}

export interface StartJudgement {
  refused: StartFault[];
  warned: StartFault[];
}

/** Variables that must not be set to anything, by what they do. */
const VARIABLES: readonly { names: readonly string[]; code: StartFaultCode; why: string }[] = [
  { names: ['VAULT_SKIP_VERIFY'], code: 'tls-unverified', why: 'switches the check of certificates off' },
  {
    names: ['SSLKEYLOGFILE'],
    code: 'tls-keys-logged',
    why: 'makes TLS libraries write session keys to a file',
  },
  {
    names: ['DEBUG', 'NODE_DEBUG', 'NODE_DEBUG_NATIVE'],
    code: 'debug-output',
    why: 'makes libraries print what they send, tokens too',
  },
];

/** Read by the Vault library behind the configuration's back. */
const VAULT_VARIABLES = ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX'];

/** Flags of Node, with `-` for `_`, as Node itself reads them. */
const FLAGS: readonly { flag: RegExp; code: StartFaultCode; why: string }[] = [
  { flag: /^--inspect/, code: 'inspector-open', why: 'lets a debugger in' },
  { flag: /^--(tls-keylog|trace-tls)/, code: 'tls-keys-logged', why: 'writes what TLS protects' },
  {
    flag: /^--(report-on-|report-uncaught-exception|heapsnapshot-|abort-on-uncaught-exception)/,
    code: 'memory-dumped',
    why: 'writes memory or the environment to a file',
  },
  {
    flag: /^(-r|--require|--import|--loader|--experimental-loader|--eval|-e|--experimental-config-file|--experimental-default-config-file|--openssl-config)\b/,
    code: 'code-injected',
    why: 'runs other code in the signer',
  },
];

/** OPENSSL_CONF may name a provider, which is a library too. */
const PRELOAD = ['LD_PRELOAD', 'LD_AUDIT', 'OPENSSL_CONF'];
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/;

/** Decides whether a start is safe: all that refuses it, and all that a person should know of. */
export function judgeStart(facts: StartFacts): StartJudgement {
  const { env, vaultAddress } = facts;
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const fault = (code: StartFaultCode, message: string): StartFault => ({ code, message });
  const refused = [
    ...VARIABLES.flatMap(({ names, code, why }) =>
      names.filter(isSet).map((name) => fault(code, `${name} ${why}: unset it`)),
    ),
    ...flagFaults(facts),
    ...facts.secretFiles
      .map((file) => secretFileFault(file, facts.self))
      .filter((message) => message !== undefined)
      .map((message) => fault('secret-exposed', message)),
  ];
  const warned = PRELOAD.filter(isSet).map((name) =>
    // Whoever sets it could exchange the program as well, and allocators and clock tests need it: no refusal.
    fault('library-injected', `${name} loads a library into the signer: unset it unless you put it there`),
  );
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    refused.push(
      fault(
        'tls-unverified',
        'NODE_TLS_REJECT_UNAUTHORIZED=0 switches the check of certificates off: unset it',
      ),
    );
  if (facts.inspectorUrl !== undefined)
    refused.push(fault('inspector-open', 'Node’s inspector is open: start the signer without it'));
  if (facts.isReporting)
    refused.push(fault('memory-dumped', 'Node’s diagnostic report is on: start the signer without it'));
  if (vaultAddress !== undefined) {
    const { protocol, hostname } = new URL(vaultAddress);
    if (protocol !== 'https:' && !LOOPBACK.test(hostname))
      refused.push(
        fault('vault-plain-http', 'STELLAR_VAULT_ADDRESS (vault.address) is http beyond loopback: use https'),
      );
    for (const name of VAULT_VARIABLES.filter(isSet))
      refused.push(
        fault('vault-variable', `${name} is read by the Vault library itself: unset it, use STELLAR_VAULT_…`),
      );
    for (const name of PROXIES.filter(isSet))
      warned.push(fault('proxy-ignored', `${name} has no effect: the signer goes to Vault directly`));
  }
  if (facts.self.uid === 0)
    warned.push(fault('runs-as-root', 'the signer runs as root and needs nothing of it: give it a user'));
  if (!isWithoutCore(facts.core))
    warned.push(
      fault('core-dumps', 'a crash may write memory to disk: start with RLIMIT_CORE=1 (prlimit --core=1:1)'),
    );
  return { refused, warned };
}

function flagFaults({ env, execArgv }: StartFacts): StartFault[] {
  const found = [
    ...execArgv.map((flag) => ({ flag, where: 'on the command line' })),
    ...(env.NODE_OPTIONS ?? '').split(/[\s"']+/).map((flag) => ({ flag, where: 'in NODE_OPTIONS' })),
  ];
  return found.flatMap(({ flag, where }) => {
    const name = flag.split('=', 1)[0]!.replaceAll('_', '-');
    return FLAGS.filter((row) => row.flag.test(name)).map(({ code, why }) => ({
      code,
      message: `${name} ${where} ${why}: take it away`,
    }));
  });
}

/**
 * True when no crash leaves memory on a disk. The limit does not count for a handler behind a pipe or a socket, save the
 * value 1, which the kernel keeps for it (core(5), fs/coredump.c); 1 is less than a page, so no file comes of it either.
 */
export function isWithoutCore({ soft, pattern }: CoreFacts): boolean {
  return soft === 1 || (soft === 0 && pattern !== undefined && !/^[|@]/.test(pattern));
}

/**
 * The functions of Logs Insights that turn values into a value. Each says how many arguments it takes; a missing
 * value makes the result missing unless the function is about missing values.
 * Source: "Boolean, comparison, numeric, datetime, and other functions".
 */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { compareValues, Instant, isTrue, toNumber, toText, type Value } from './insights-value.ts';

export interface InsightsFunction {
  readonly min: number;
  readonly max: number;
  /** Called also when an argument is missing. */
  readonly seesMissing?: boolean;
  readonly run: (args: readonly Value[]) => Value;
}

const number = (run: (...args: number[]) => number, min = 1, max = min): InsightsFunction => ({
  min,
  max,
  run: (args) => {
    const result = run(...args.map(toNumber));
    return Number.isFinite(result) ? result : undefined;
  },
});
const text = (run: (...args: string[]) => Value, min = 1, max = min): InsightsFunction => ({
  min,
  max,
  run: (args) => run(...args.map(toText)),
});
const raw = (run: (args: readonly Value[]) => Value, min: number, max = min): InsightsFunction => ({
  min,
  max,
  run,
});
const free = (run: (args: readonly Value[]) => Value, min: number, max = min): InsightsFunction => ({
  min,
  max,
  run,
  seesMissing: true,
});
const MANY = 64;
const missing = (value: Value) => value === undefined || value === null;

function trimStart(value: string, characters = ' '): string {
  let at = 0;
  while (at < value.length && characters.includes(value[at] as string)) at++;
  return value.slice(at);
}
function trimEnd(value: string, characters = ' '): string {
  let end = value.length;
  while (end > 0 && characters.includes(value[end - 1] as string)) end--;
  return value.slice(0, end);
}

const PRIVATE = subnets(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']);
const RESERVED = subnets([
  '0.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
  '2001:db8::/32',
]);

function subnets(list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const subnet of list) {
    const [address = '', bits = ''] = subnet.split('/');
    block.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return block;
}

function within(block: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && block.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Networks that queries name, kept because each row names them again. */
const knownSubnets = new Map<string, BlockList | undefined>();
const MAX_KNOWN_SUBNETS = 1_000;

function inSubnet(address: string, subnet: string, family?: 'ipv4' | 'ipv6'): boolean {
  if (!knownSubnets.has(subnet)) {
    if (knownSubnets.size >= MAX_KNOWN_SUBNETS) knownSubnets.clear();
    const [base = '', bits = ''] = subnet.split('/');
    const valid = isIP(base) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv6(base) ? 128 : 32);
    knownSubnets.set(subnet, valid ? subnets([subnet]) : undefined);
  }
  if (family && (family === 'ipv4') !== isIPv4(address)) return false;
  const block = knownSubnets.get(subnet);
  return block !== undefined && within(block, address);
}

const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTH_NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const pad = (value: number, width = 2) => String(value).padStart(width, '0');

/** strftime, in UTC. */
function formatDate(ms: number, format: string): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const hour12 = date.getUTCHours() % 12 || 12;
  const parts: Record<string, string> = {
    Y: String(date.getUTCFullYear()),
    y: pad(date.getUTCFullYear() % 100),
    m: pad(date.getUTCMonth() + 1),
    d: pad(date.getUTCDate()),
    e: String(date.getUTCDate()).padStart(2),
    H: pad(date.getUTCHours()),
    I: pad(hour12),
    M: pad(date.getUTCMinutes()),
    S: pad(date.getUTCSeconds()),
    L: pad(date.getUTCMilliseconds(), 3),
    f: pad(date.getUTCMilliseconds() * 1000, 6),
    p: date.getUTCHours() < 12 ? 'AM' : 'PM',
    j: pad(Math.floor((ms - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1, 3),
    a: (DAY_NAMES[date.getUTCDay()] as string).slice(0, 3),
    A: DAY_NAMES[date.getUTCDay()] as string,
    b: (MONTH_NAMES[date.getUTCMonth()] as string).slice(0, 3),
    B: MONTH_NAMES[date.getUTCMonth()] as string,
    s: String(Math.floor(ms / 1000)),
    z: '+0000',
    Z: 'UTC',
    '%': '%',
  };
  parts.F = `${parts.Y}-${parts.m}-${parts.d}`;
  parts.T = `${parts.H}:${parts.M}:${parts.S}`;
  return format.replace(/%([A-Za-z%])/g, (whole, letter: string) => parts[letter] ?? whole);
}

/** Digits that each letter reads; the rest of the format must be there as it stands. */
const READS: Readonly<Record<string, string>> = {
  Y: '\\d{4}',
  y: '\\d{2}',
  m: '\\d{1,2}',
  d: '\\d{1,2}',
  e: '\\s?\\d{1,2}',
  H: '\\d{1,2}',
  I: '\\d{1,2}',
  M: '\\d{1,2}',
  S: '\\d{1,2}',
  L: '\\d{1,3}',
  f: '\\d{1,6}',
  p: '[AaPp][Mm]',
  b: '[A-Za-z]{3}',
  B: '[A-Za-z]+',
  s: '\\d{1,12}',
  z: 'Z|[+-]\\d{2}:?\\d{2}',
};

function parseDate(value: string, format: string): number | undefined {
  const letters: string[] = [];
  const expanded = format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S');
  const pattern = expanded.replace(/%([A-Za-z])|[\\^$.*+?()[\]{}|]/g, (whole, letter?: string) => {
    const reads = letter && READS[letter];
    if (!reads) return `\\${whole.at(-1)}`;
    letters.push(letter);
    return `(${reads})`;
  });
  // Made of fixed pieces without nested repetition: it cannot run away.
  const found = new RegExp(`^${pattern}`).exec(value);
  if (!found) return undefined;
  const read = new Map(letters.map((letter, index) => [letter, found[index + 1] as string]));
  const digits = (letter: string, fallback: number) => Number(read.get(letter) ?? fallback);
  if (read.has('s')) return digits('s', 0) * 1000;
  const name = (read.get('b') ?? read.get('B'))?.slice(0, 3).toLowerCase();
  const month =
    name === undefined
      ? digits('m', 1) - 1
      : MONTH_NAMES.findIndex((month) => month.toLowerCase().startsWith(name));
  const year = read.has('Y') ? digits('Y', 1970) : read.has('y') ? 2000 + digits('y', 70) : 1970;
  const half = read.get('p')?.toLowerCase();
  const hour = read.has('I') ? (digits('I', 12) % 12) + (half === 'pm' ? 12 : 0) : digits('H', 0);
  const ms = read.has('L')
    ? Number((read.get('L') as string).padEnd(3, '0'))
    : Math.floor(Number((read.get('f') ?? '').padEnd(6, '0')) / 1000);
  const zone = /^([+-])(\d{2}):?(\d{2})$/.exec(read.get('z') ?? '');
  const offset = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) * 60_000 : 0;
  return (
    Date.UTC(year, month, digits('d', digits('e', 1)), hour, digits('M', 0), digits('S', 0), ms) - offset
  );
}

function jsonOf(value: Value): Value {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    // Not JSON: the result is missing, as for a field that is not there.
    return undefined;
  }
}

const EARTH_KM = 6371;
const radians = (degrees: number) => (degrees * Math.PI) / 180;
function haversine(fromLat: number, fromLon: number, toLat: number, toLon: number): number {
  const a =
    Math.sin(radians(toLat - fromLat) / 2) ** 2 +
    Math.cos(radians(fromLat)) * Math.cos(radians(toLat)) * Math.sin(radians(toLon - fromLon) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(a));
}

/** By name without underscores, lower case. */
export const FUNCTIONS: Readonly<Record<string, InsightsFunction>> = {
  abs: number(Math.abs),
  ceil: number(Math.ceil),
  floor: number(Math.floor),
  log: number(Math.log),
  sqrt: number(Math.sqrt),
  round: number((value, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits, 1, 2),
  greatest: raw((args) => args.reduce((a, b) => ((compareValues(a, b) ?? 0) >= 0 ? a : b)), 1, MANY),
  least: raw((args) => args.reduce((a, b) => ((compareValues(a, b) ?? 0) <= 0 ? a : b)), 1, MANY),
  haversine: number(haversine, 4),
  tonumber: number((value) => value),
  todouble: number((value) => value),
  toint: number(Math.trunc),
  tolong: number(Math.trunc),

  frommillis: raw(([value]) => new Instant(toNumber(value)), 1),
  tomillis: raw(([value]) => toNumber(value), 1),
  formatdate: raw(([value, format]) => formatDate(toNumber(value), toText(format)), 2, 3),
  parsedate: raw(([value, format]) => {
    const ms = parseDate(toText(value), toText(format));
    return ms === undefined ? undefined : new Instant(ms);
  }, 2),

  ispresent: free(([value]) => !missing(value), 1),
  coalesce: free((args) => args.find((value) => !missing(value)), 1, MANY),
  if: free(([condition, then, otherwise]) => (isTrue(condition) ? then : otherwise), 2, 3),
  case: free(
    (args) => {
      for (let i = 0; i + 1 < args.length; i += 2) if (isTrue(args[i])) return args[i + 1];
      return args.length % 2 === 1 ? args.at(-1) : undefined;
    },
    2,
    MANY,
  ),
  isnumeric: free(([value]) => !Number.isNaN(toNumber(value)), 1),

  jsonparse: raw(([value]) => jsonOf(value), 1),
  jsonstringify: raw(([value]) => JSON.stringify(value instanceof Instant ? toText(value) : value), 1),
  jsonarraysize: raw(([value]) => {
    const list = jsonOf(value);
    return Array.isArray(list) ? list.length : undefined;
  }, 1),
  jsonarraycontains: raw(([value, item]) => {
    const list = jsonOf(value);
    return Array.isArray(list) && list.some((each) => compareValues(each, item) === 0);
  }, 2),

  isvalidip: text((ip) => isIP(ip) !== 0),
  isvalidipv4: text((ip) => isIPv4(ip)),
  isvalidipv6: text((ip) => isIPv6(ip)),
  isipinsubnet: text((ip, subnet) => inSubnet(ip, subnet), 2),
  isipv4insubnet: text((ip, subnet) => inSubnet(ip, subnet, 'ipv4'), 2),
  isipv6insubnet: text((ip, subnet) => inSubnet(ip, subnet, 'ipv6'), 2),
  ipv4tonumber: text((ip) =>
    isIPv4(ip) ? ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) : undefined,
  ),
  isprivateip: text((ip) => within(PRIVATE, ip)),
  isreservedip: text((ip) => within(RESERVED, ip)),
  ispublicip: text((ip) => isIP(ip) !== 0 && !within(PRIVATE, ip) && !within(RESERVED, ip)),

  isempty: free(([value]) => missing(value) || toText(value) === '', 1),
  isblank: free(([value]) => missing(value) || toText(value).trim() === '', 1),
  concat: free((args) => args.map(toText).join(''), 1, MANY),
  ltrim: text(trimStart, 1, 2),
  rtrim: text(trimEnd, 1, 2),
  trim: text((value, characters) => trimEnd(trimStart(value, characters), characters), 1, 2),
  strlen: text((value) => [...value].length),
  toupper: text((value) => value.toUpperCase()),
  tolower: text((value) => value.toLowerCase()),
  substr: raw(
    ([value, start, length]) => {
      const from = toNumber(start);
      const whole = toText(value);
      return length === undefined ? whole.slice(from) : whole.slice(from, from + toNumber(length));
    },
    2,
    3,
  ),
  replace: text((value, search, replacement) => value.replaceAll(search, () => replacement), 3),
  strcontains: text((value, search) => (value.includes(search) ? 1 : 0), 2),
  startswith: text((value, search) => value.startsWith(search), 2),
  endswith: text((value, search) => value.endsWith(search), 2),
  split: text((value, separator) => value.split(separator), 2),
  urlencode: text((value) => encodeURIComponent(value)),
  urldecode: text((value) => {
    try {
      return decodeURIComponent(value);
    } catch {
      // A stray percent sign: not an encoded text.
      return undefined;
    }
  }),
  base64encode: text((value) => Buffer.from(value).toString('base64')),
  base64decode: text((value) => Buffer.from(value, 'base64').toString()),
  hextoascii: text((value) => Buffer.from(value, 'hex').toString('latin1')),
  hextodec: text((value) => (/^(0x)?[0-9a-f]+$/i.test(value) ? Number.parseInt(value, 16) : undefined)),
  dectohex: raw(
    ([value]) => (Number.isInteger(toNumber(value)) ? toNumber(value).toString(16) : undefined),
    1,
  ),
};

/** GetSMSAttributes, SetSMSAttributes: settings of an account for text messages; kept and shown. */
import type {
  GetSMSAttributesInput,
  GetSMSAttributesResponse,
  SetSMSAttributesInput,
} from '@aws-sdk/client-sns';
import type { Handler } from '../../../protocol/operation.ts';
import type { JsonObject } from '../../../store/store.ts';
import { invalidParameter, type SnsDeps } from '../deps.ts';

const SETTINGS = { collection: 'sns-settings', key: 'sms' } as const;

interface Settings extends JsonObject {
  attributes: { [name: string]: string };
}

const NAMES: ReadonlySet<string> = new Set([
  'MonthlySpendLimit',
  'DeliveryStatusIAMRole',
  'DeliveryStatusSuccessSamplingRate',
  'DefaultSenderID',
  'DefaultSMSType',
  'UsageReportS3Bucket',
]);

function read(deps: SnsDeps): Settings['attributes'] {
  return deps.store.resources.get<Settings>(SETTINGS.collection, SETTINGS.key)?.value.attributes ?? {};
}

export function getSmsAttributes(deps: SnsDeps): Handler<GetSMSAttributesInput, GetSMSAttributesResponse> {
  return (input) => {
    const all = Object.entries(read(deps));
    const wanted = input.attributes?.length ? new Set(input.attributes) : undefined;
    return { attributes: Object.fromEntries(all.filter(([name]) => !wanted || wanted.has(name))) };
  };
}

export function setSmsAttributes(deps: SnsDeps): Handler<SetSMSAttributesInput, Record<string, never>> {
  return async (input) => {
    const given = input.attributes ?? {};
    const unknown = Object.keys(given).find((name) => !NAMES.has(name));
    if (unknown !== undefined) throw invalidParameter(`${unknown} is not a valid attribute`);
    const value: Settings = { attributes: { ...read(deps), ...given } };
    await deps.store.commit([{ kind: 'put', ...SETTINGS, value }]);
    return {};
  };
}

/**
 * Sends notifications by mail through an SMTP server. The library is loaded with the first mail.
 * Source: "Email notifications"; the texts around a message are AWS's in sense, not in words.
 */
import type { Transporter } from 'nodemailer';
import { unsubscribeUrl } from '../domain/sns-envelope.ts';
import type { Outgoing, Sender } from './deliverer.ts';

export interface MailOptions {
  /** `smtp://user:password@host:port`, or `smtps://`. */
  readonly smtpUrl: string;
  readonly from: string;
  /** Where this server is reached, for the links. */
  readonly endpoint: () => string;
}

const DEFAULT_SUBJECT = 'AWS Notification Message';
const CONFIRMATION_SUBJECT = 'AWS Notification - Subscription Confirmation';

export function createMailSender(options: MailOptions): Sender {
  let transport: Promise<Transporter> | undefined;
  return async (outgoing) => {
    transport ??= import('nodemailer').then(({ createTransport }) => createTransport(options.smtpUrl, {}));
    try {
      const { response } = await (await transport).sendMail({
        from: options.from,
        to: outgoing.endpoint,
        ...contentOf(outgoing, options),
      });
      return { kind: 'delivered', response: String(response) };
    } catch (error) {
      return judge(error);
    }
  };
}

function contentOf(
  { protocol, body, attributes }: Outgoing,
  options: MailOptions,
): { subject: string; text: string } {
  if (attributes.type === 'SubscriptionConfirmation') {
    const { SubscribeURL } = JSON.parse(body) as { SubscribeURL: string };
    return {
      subject: CONFIRMATION_SUBJECT,
      text:
        protocol === 'email-json'
          ? body
          : `You have chosen to subscribe to the topic:\n${attributes.topicArn}\n\nTo confirm this subscription, visit the link below (if this was in error no action is necessary):\n${SubscribeURL}\n`,
    };
  }
  const subject = attributes.subject ?? DEFAULT_SUBJECT;
  if (protocol === 'email-json') return { subject, text: body };
  const link = unsubscribeUrl(options.endpoint(), attributes.subscriptionArn ?? '');
  return {
    subject,
    text: `${body}\n\n--\nTo stop receiving notifications from this topic, visit the link below:\n${link}\n`,
  };
}

/** SMTP: 5xx is for good, everything else is worth another try. */
function judge(error: unknown): Awaited<ReturnType<Sender>> {
  const { responseCode, message } = error as { responseCode?: number; message?: string };
  return {
    kind: 'failed',
    retryable: responseCode === undefined || responseCode < 500,
    statusCode: responseCode,
    response: message ?? String(error),
  };
}

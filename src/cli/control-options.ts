/** The options of every command that asks a running router. */

import { type Command, InvalidArgumentError, Option } from 'commander'

/** Where the control API of a router listens unless its configuration says otherwise. */
export const defaultControlUrl = 'http://127.0.0.1:8081'

/** PEM files: who signs the router's certificate, and the own one with its key. */
export interface TlsOptions {
  readonly ca?: string
  readonly clientCert?: string
  readonly clientKey?: string
}

export interface ControlOptions extends TlsOptions {
  /** Base URL of the control API. */
  readonly control: URL
  readonly token?: string
  readonly json?: boolean
}

export function withControlOptions(command: Command): Command {
  command
    .addOption(
      new Option('--control <url>', 'control API of the router')
        .env('MERIDIAN_CONTROL_URL')
        .default(new URL(defaultControlUrl), defaultControlUrl)
        .argParser(parseControlUrl),
    )
    .addOption(new Option('--token <token>', 'bearer token').env('MERIDIAN_TOKEN'))
  return withTlsOptions(command).option('--json', 'the answer as the API gives it')
}

/** Whom to trust with the control API, and as whom to appear there. */
export function withTlsOptions(command: Command): Command {
  return command
    .addOption(new Option('--ca <file>', "who signs the router's certificate (PEM)").env('MERIDIAN_CA'))
    .addOption(new Option('--client-cert <file>', 'client certificate (PEM)').env('MERIDIAN_CLIENT_CERT'))
    .addOption(new Option('--client-key <file>', 'its key (PEM)').env('MERIDIAN_CLIENT_KEY'))
}

function parseControlUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8081.')
}

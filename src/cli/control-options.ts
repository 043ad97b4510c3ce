/** The options of every command that asks a running router. */

import { type Command, InvalidArgumentError, Option } from 'commander'

/** Where the control API of a router listens unless its configuration says otherwise. */
export const defaultControlUrl = 'http://127.0.0.1:8081'

export interface ControlOptions {
  /** Base URL of the control API. */
  readonly control: URL
  readonly token?: string
  /** PEM files: who signs the router's certificate, and the own one with its key. */
  readonly ca?: string
  readonly clientCert?: string
  readonly clientKey?: string
  readonly json?: boolean
}

export function withControlOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--control <url>', 'control API of the router')
        .env('MERIDIAN_CONTROL_URL')
        .default(new URL(defaultControlUrl), defaultControlUrl)
        .argParser(parseControlUrl),
    )
    .addOption(new Option('--token <token>', 'bearer token').env('MERIDIAN_TOKEN'))
    .addOption(new Option('--ca <file>', "who signs the router's certificate (PEM)").env('MERIDIAN_CA'))
    .addOption(new Option('--client-cert <file>', 'client certificate (PEM)').env('MERIDIAN_CLIENT_CERT'))
    .addOption(new Option('--client-key <file>', 'its key (PEM)').env('MERIDIAN_CLIENT_KEY'))
    .option('--json', 'the answer as the API gives it')
}

function parseControlUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8081.')
}

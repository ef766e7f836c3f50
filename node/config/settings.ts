import { DATA_CLASSES } from '../../protocol/data-class.ts'
import {
  DEFAULT_CREDIT_WINDOW_TOKENS,
  MAX_BID_WINDOW_MS,
  MAX_CREDIT_WINDOW_TOKENS,
  MAX_OUTPUT_TOKENS,
  MAX_SPOT_NOTICE_MS,
} from '../../protocol/limits.ts'
import { CREDIT } from '../../protocol/money.ts'
import { JOIN_POLICIES } from '../learning/rounds/join-policy.ts'
import { LOG_LEVELS } from '../log-levels.ts'
import { hourSpan } from './hour-span.ts'
import {
  address,
  choice,
  credits,
  duration,
  flag,
  fraction,
  integer,
  type Kind,
  list,
  node,
  optional,
  text,
} from './kinds.ts'
import { modelPrices } from './model-prices.ts'

/** One setting: where it may be set, what it is by default, what it means. */
export interface Setting<T> {
  readonly kind: Kind<T>
  readonly default: T
  /** One sentence. */
  readonly help: string
  /** Printed as `[redacted]`; read from the environment only. */
  readonly secret?: true
  /** Variable by which other programs of the field are told the same. */
  readonly sharedVariable?: string
  /** Flag of `shoal up`, where its name is not that of the key's last part. */
  readonly flag?: string
}

const setting = <T>(definition: Omit<Setting<T>, 'default'> & { default: NoInfer<T> }): Setting<T> =>
  definition

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The one table of settings. Config file keys are these, environment variables and flags follow from them. */
export const settings = {
  'log.level': setting({
    kind: choice(LOG_LEVELS),
    default: 'info',
    help: 'How much goes into the log file.',
    flag: 'log-level',
  }),

  'p2p.listen': setting({
    kind: list(text('multiaddr')),
    default: ['/ip4/0.0.0.0/tcp/4150', '/ip4/0.0.0.0/tcp/4151/ws'],
    help: 'Addresses to listen on; port 0 picks a free one.',
  }),
  'p2p.announce': setting({
    kind: list(text('multiaddr')),
    default: [],
    help: 'Addresses to tell others in place of those found out.',
  }),
  'p2p.bootstrap': setting({
    kind: list(text('multiaddr')),
    default: [],
    help: 'Nodes to join the network by.',
  }),
  'p2p.scope': setting({
    kind: choice(['auto', 'local', 'public']),
    default: 'auto',
    help: 'Whether private addresses are told to others; auto: until a bootstrap has a public one.',
  }),
  'p2p.mdns': setting({ kind: flag, default: true, help: 'Find nodes on the same local network.' }),
  'p2p.relay': setting({ kind: flag, default: false, help: 'Carry traffic of nodes that nobody can dial.' }),
  'p2p.targetPeers': setting({
    kind: integer(1, 200),
    default: 24,
    help: 'Newly discovered nodes are dialled while fewer than this many are connected.',
    flag: 'target-peers',
  }),

  'chain.rpc': setting({
    kind: text('url'),
    default: 'local',
    help: 'JSON-RPC URL of an EVM chain, or local for a chain of your own inside this node.',
  }),
  'chain.contracts': setting({
    kind: optional(text('file')),
    default: null,
    help: 'JSON file with the addresses of the contracts; not needed for an embedded chain.',
  }),
  'chain.id': setting({
    kind: optional(integer(1, Number.MAX_SAFE_INTEGER)),
    default: null,
    help: 'Refuse any other chain.',
    flag: 'chain-id',
  }),
  'chain.confirmations': setting({
    kind: optional(integer(1, 256)),
    default: null,
    help: 'Blocks until a transaction counts; 1 on an embedded chain and 3 elsewhere, unless set.',
  }),
  'chain.pollEvery': setting({
    kind: duration(50, HOUR),
    default: SECOND,
    help: 'How often the chain is asked for news.',
    flag: 'poll-every',
  }),
  'chain.localPort': setting({
    kind: integer(0, 65_535),
    default: 0,
    help: 'Port of the embedded chain; 0 picks one and keeps it.',
    flag: 'local-port',
  }),

  'wallet.password': setting({
    kind: optional(text('password')),
    default: null,
    help: 'Password of the wallet; SHOAL_WALLET_PASSWORD only.',
    secret: true,
  }),
  'wallet.passwordFile': setting({
    kind: optional(text('file')),
    default: null,
    help: 'File with the password of the wallet, readable by you alone.',
    flag: 'password-file',
  }),

  'models.serve': setting({
    kind: list(text('model')),
    default: ['shoal-mini'],
    help: 'Models to offer: names, files, URLs or hf: names, +ADAPTER.gguf behind for one that wears an adapter; empty to offer none.',
    flag: 'model',
  }),
  'models.slots': setting({
    kind: optional(integer(1, 256)),
    default: null,
    help: 'Tasks at once for each model; unset: by measurement.',
  }),
  'models.contextTokens': setting({
    kind: optional(integer(64, 1_048_576)),
    default: null,
    help: 'Longest prompt and answer together; unset: what the model was trained for, as memory allows.',
    flag: 'context',
  }),
  'models.hubEndpoint': setting({
    kind: optional(text('url')),
    default: null,
    help: 'Mirror of huggingface.co to get hf: models from; HF_ENDPOINT says it, too.',
    sharedVariable: 'HF_ENDPOINT',
    flag: 'hub-endpoint',
  }),
  'models.hubToken': setting({
    kind: optional(text('token')),
    default: null,
    help: 'Token for hf: models that are not public; SHOAL_MODELS_HUB_TOKEN or HF_TOKEN only.',
    secret: true,
    sharedVariable: 'HF_TOKEN',
    flag: 'hub-token',
  }),
  'engine.gpu': setting({
    kind: choice(['auto', 'off']),
    default: 'auto',
    help: 'Use a GPU if there is one.',
    flag: 'gpu',
  }),

  'engine.threads': setting({
    kind: optional(integer(1, 1_024)),
    default: null,
    help: 'CPU threads a model computes with; unset: measured at its first load.',
    flag: 'threads',
  }),

  'price.input': setting({
    kind: credits(0n),
    default: CREDIT / 4n,
    help: 'Credits for a million prompt tokens.',
    flag: 'price-input',
  }),
  'price.output': setting({
    kind: credits(0n),
    default: CREDIT,
    help: 'Credits for a million output tokens.',
    flag: 'price-output',
  }),
  'price.models': setting({
    kind: modelPrices,
    default: [],
    help: 'Prices of single models in place of these two.',
    flag: 'price-models',
  }),
  'price.dynamic': setting({
    kind: flag,
    default: true,
    help: 'Let demand move prices: up to double when busy, down to half when idle.',
    flag: 'price-dynamic',
  }),
  'price.floor': setting({
    kind: integer(50, 100),
    default: 50,
    help: 'The least that demand leaves of a price, in percent.',
    flag: 'price-floor',
  }),
  'price.ceiling': setting({
    kind: integer(100, 200),
    default: 200,
    help: 'The most that demand makes of a price, in percent.',
    flag: 'price-ceiling',
  }),
  'price.averageOver': setting({
    kind: duration(10 * SECOND, 12 * HOUR),
    default: 2 * MINUTE,
    help: 'How long demand must last to move prices; the time constant of its average.',
    flag: 'price-average-over',
  }),
  'price.spotDiscount': setting({
    kind: integer(0, 90),
    default: 40,
    help: 'How much cheaper spot tasks are, in percent; 0 takes none.',
    flag: 'spot-discount',
  }),
  'price.spotNotice': setting({
    kind: duration(0, MAX_SPOT_NOTICE_MS),
    default: 5 * SECOND,
    help: 'How long before its end a spot task is told of it.',
    flag: 'spot-notice',
  }),
  'auction.bidWindow': setting({
    kind: duration(1, MAX_BID_WINDOW_MS),
    default: 50,
    help: 'How long an auction waits for bids; it ends sooner when all have come.',
    flag: 'bid-window',
  }),
  'auction.maxBidders': setting({
    kind: integer(1, 64),
    default: 16,
    help: 'Providers asked for a bid.',
    flag: 'max-bidders',
  }),
  'offer.lifetime': setting({
    kind: duration(10 * SECOND, 10 * MINUTE),
    default: 10 * MINUTE,
    help: 'How long an offer is good for; it is renewed at half of that.',
    flag: 'offer-lifetime',
  }),
  'offer.region': setting({
    kind: optional(text('region', 16)),
    default: null,
    help: 'Where you are, such as eu-de; told to others.',
  }),

  'offer.entities': setting({
    kind: optional(text('file')),
    default: null,
    help: 'JSON file with agents, services and resources to make known beside models.',
    flag: 'entities',
  }),
  'offer.dataClass': setting({
    kind: choice(DATA_CLASSES),
    default: 'CONFIDENTIAL',
    help: 'The most guarded data you declare this node fit for: it keeps no prompt or answer; PRIVATE is for enclaves.',
    flag: 'offer-data-class',
  }),

  'local.use': setting({
    kind: flag,
    default: true,
    help: 'Do own tasks with own models, too, where that is best.',
    flag: 'use-own',
  }),
  'local.input': setting({
    kind: credits(0n),
    default: 0n,
    help: 'What a million prompt tokens on this machine are worth to you, credits; own tasks are compared by it.',
    flag: 'own-cost-input',
  }),
  'local.output': setting({
    kind: credits(0n),
    default: 0n,
    help: 'The same of a million output tokens.',
    flag: 'own-cost-output',
  }),
  'cloud.services': setting({
    kind: optional(text('file')),
    default: null,
    help: 'File (YAML or JSON) with cloud services that may do tasks: their URLs, models, prices and where their keys are.',
    flag: 'cloud-services',
  }),

  'privacy.defaultClass': setting({
    kind: choice(DATA_CLASSES),
    default: 'SHARED',
    help: 'How far tasks may travel that do not say it themselves.',
    flag: 'data-class',
  }),
  'privacy.allow': setting({
    kind: list(node, 256),
    default: [],
    help: 'Nodes that may have CONFIDENTIAL data without a stake.',
    flag: 'privacy-allow',
  }),
  'privacy.minStake': setting({
    kind: credits(0n),
    default: 100n * CREDIT,
    help: 'Credits at stake with which other nodes may have CONFIDENTIAL data.',
    flag: 'privacy-min-stake',
  }),
  'privacy.enclaveAttesters': setting({
    kind: list(address),
    default: [],
    help: 'Attesters in the registry whose CERTIFIED stands for an enclave that may have PRIVATE data.',
    flag: 'enclave-attesters',
  }),

  'privacy.attested': setting({
    kind: optional(text('file')),
    default: null,
    help: 'File (YAML or JSON) with the software that may have CONFIDENTIAL and PRIVATE data when a Nitro enclave or SEV-SNP guest proves to run it.',
    flag: 'attested',
  }),
  'attestation.command': setting({
    kind: list(text('argument')),
    default: [],
    help: 'Program, and arguments that come first, that prints evidence of the enclave this node runs in; gets a nonce and user data in hex.',
    flag: 'attestation-command',
  }),

  'task.creditWindowTokens': setting({
    kind: integer(1, MAX_CREDIT_WINDOW_TOKENS),
    default: DEFAULT_CREDIT_WINDOW_TOKENS,
    help: 'Tokens one side may be ahead of the other, in work or in payment.',
    flag: 'credit-window',
  }),
  'task.stallTimeout': setting({
    kind: duration(SECOND, HOUR),
    default: 4 * SECOND,
    help: 'A provider that is silent, or makes nothing, for so long is given up for the next.',
    flag: 'stall-timeout',
  }),
  'task.paymentTimeout': setting({
    kind: duration(SECOND, HOUR),
    default: 15 * SECOND,
    help: 'A requester that owes and does not pay for so long is given up.',
    flag: 'payment-timeout',
  }),
  'task.maxAttempts': setting({
    kind: integer(1, 16),
    default: 4,
    help: 'Providers a task is tried with.',
    flag: 'max-attempts',
  }),
  'task.maxQueued': setting({
    kind: integer(0, 4_096),
    default: 64,
    help: 'Tasks of others that may wait for a slot; beyond, those of who has asked most are refused.',
    flag: 'max-queued',
  }),
  'task.maxWait': setting({
    kind: duration(SECOND, HOUR),
    default: 30 * SECOND,
    help: 'Tasks of others that would wait longer for a slot are refused at once.',
    flag: 'max-wait',
  }),
  'task.replicas': setting({
    kind: integer(2, 7),
    default: 3,
    help: 'Distinct operators of which a majority decides, in the SLA classes A and S.',
  }),
  'task.attestedStake': setting({
    kind: credits(1n),
    default: 100n * CREDIT,
    help: 'Credits an operator must have at stake in the SLA class S.',
    flag: 'attested-stake',
  }),
  'task.hedgePercent': setting({
    kind: integer(0, 100),
    default: 10,
    help: 'Of 100 tasks, for how many a second provider may be asked while the first token is late.',
    flag: 'hedge-percent',
  }),

  'events.keep': setting({
    kind: integer(256, 100_000_000),
    default: 100_000,
    help: 'Events kept of each channel at most.',
    flag: 'events-keep',
  }),
  'events.keepBytes': setting({
    kind: integer(65_536, 2 ** 40),
    default: 33_554_432,
    help: 'Bytes of events kept of each channel at most.',
    flag: 'events-keep-bytes',
  }),
  'events.keepFor': setting({
    kind: duration(MINUTE, 3_650 * DAY),
    default: 30 * DAY,
    help: 'How long events are kept.',
    flag: 'events-keep-for',
  }),
  'events.ackTimeout': setting({
    kind: duration(SECOND, DAY),
    default: 30 * SECOND,
    help: 'After how long an event that a group has not acknowledged is given to it again.',
    flag: 'events-ack-timeout',
  }),

  'gateway.listen': setting({
    kind: optional(text('host:port')),
    default: null,
    help: 'Where to open the door for programs and people over HTTP, such as 127.0.0.1:4114; port 0 picks a free one; unset: not at all.',
    flag: 'gateway',
  }),
  'gateway.behindProxy': setting({
    kind: flag,
    default: false,
    help: 'A proxy in front of the door ends TLS and says who asks, by X-Forwarded-For.',
    flag: 'gateway-behind-proxy',
  }),
  'gateway.tlsCert': setting({
    kind: optional(text('file')),
    default: null,
    help: 'PEM file with the certificate chain of the door.',
    flag: 'gateway-tls-cert',
  }),
  'gateway.tlsKey': setting({
    kind: optional(text('file')),
    default: null,
    help: 'PEM file with its private key.',
    flag: 'gateway-tls-key',
  }),
  'gateway.auth': setting({
    kind: flag,
    default: true,
    help: 'Ask who is there. Off, whatever runs on this machine acts as the owner; off is refused where others can connect.',
    flag: 'gateway-auth',
  }),
  'gateway.loopbackAccess': setting({
    kind: choice(['infer', 'none']),
    default: 'infer',
    help: 'What programs on this machine may do without a key: ask in your name, or nothing. Only where nobody else can connect.',
    flag: 'gateway-loopback',
  }),
  'gateway.hosts': setting({
    kind: list(text('host', 253)),
    default: [],
    help: 'Names by which the door is reached, without port; addresses need not be named.',
    flag: 'gateway-hosts',
  }),
  'gateway.origins': setting({
    kind: list(text('origin', 300)),
    default: [],
    help: 'Other sites whose pages may use the door with a key, such as https://chat.example.',
    flag: 'gateway-origins',
  }),
  'gateway.requestsPerMinute': setting({
    kind: integer(1, 1_000_000),
    default: 600,
    help: 'How often a tenant may ask, unless it is told otherwise.',
    flag: 'gateway-requests-per-minute',
  }),
  'gateway.concurrent': setting({
    kind: integer(1, 10_000),
    default: 64,
    help: 'Requests of a tenant at once, unless it is told otherwise.',
    flag: 'gateway-concurrent',
  }),
  'gateway.addressRequestsPerMinute': setting({
    kind: integer(1, 10_000_000),
    default: 3_000,
    help: 'How often one address may ask, whoever it is; not on this machine alone.',
    flag: 'gateway-address-rate',
  }),
  'gateway.maxStreams': setting({
    kind: integer(1, 1_000_000),
    default: 64,
    help: 'Event streams that a tenant may hold at once; the owner may hold any number.',
    flag: 'gateway-max-streams',
  }),
  'gateway.requestTimeout': setting({
    kind: duration(100, HOUR),
    default: 30 * SECOND,
    help: 'A request must have come in whole within this, its head within a third; who drips is cut off.',
    flag: 'gateway-request-timeout',
  }),
  'gateway.sessionLifetime': setting({
    kind: duration(MINUTE, 90 * DAY),
    default: 12 * HOUR,
    help: 'When people who signed in must do so again.',
    flag: 'gateway-session-lifetime',
  }),
  'gateway.oidcIssuer': setting({
    kind: optional(text('url')),
    default: null,
    help: 'Identity provider (OpenID Connect) that people may sign in with.',
    flag: 'gateway-oidc-issuer',
  }),
  'gateway.oidcClient': setting({
    kind: optional(text('id')),
    default: null,
    help: 'What this node is called there.',
    flag: 'gateway-oidc-client',
  }),
  'gateway.oidcSecret': setting({
    kind: optional(text('secret')),
    default: null,
    help: 'Its secret there, if it has one; SHOAL_GATEWAY_OIDC_SECRET only.',
    secret: true,
    flag: 'gateway-oidc-secret',
  }),
  'gateway.oidcBudget': setting({
    kind: credits(0n),
    default: 0n,
    help: 'Credits that somebody who signs in there may spend a day at your cost, unless told otherwise.',
    flag: 'gateway-oidc-budget',
  }),
  'gateway.markup': setting({
    kind: fraction,
    default: 0,
    help: 'What others pay here beyond what their tasks cost this node, as a share of it.',
    flag: 'gateway-markup',
  }),
  'gateway.answerTokens': setting({
    kind: integer(1, MAX_OUTPUT_TOKENS),
    default: 1_024,
    help: 'The longest answer to a request over HTTP that does not say how long it may be, tokens.',
    flag: 'gateway-answer-tokens',
  }),
  'gateway.maxBodyBytes': setting({
    kind: integer(1_024, 64 * 1_048_576),
    default: 8 * 1_048_576,
    help: 'Longest request over HTTP, bytes.',
    flag: 'gateway-max-body',
  }),
  'gateway.maxConnections': setting({
    kind: integer(1, 1_000_000),
    default: 16_384,
    help: 'Connections over HTTP at once.',
    flag: 'gateway-max-connections',
  }),
  'gateway.maxRunning': setting({
    kind: integer(1, 100_000),
    default: 256,
    help: 'Requests for answers over HTTP that are worked on at once, all clients together.',
    flag: 'gateway-max-running',
  }),

  'mcp.servers': setting({
    kind: optional(text('file')),
    default: null,
    help: 'File (YAML or JSON) with MCP servers and those of their tools that tasks may use.',
    flag: 'mcp-servers',
  }),

  'gateway.payments': setting({
    kind: flag,
    default: true,
    help: 'Sell answers over HTTP to whoever pays: to wallets by channels, and to strangers by x402.',
    flag: 'gateway-payments',
  }),
  'gateway.creditWindow': setting({
    kind: optional(credits(0n)),
    default: null,
    help: 'Credits that a channel over HTTP may owe while an answer streams; unset: the price of 64 tokens.',
    flag: 'gateway-credit-window',
  }),
  'gateway.minDeposit': setting({
    kind: credits(1n),
    default: CREDIT / 10n,
    help: 'The smallest channel that this node opens for others, since it pays the gas, in credits; what is sent back is no less than a tenth of it.',
    flag: 'gateway-min-deposit',
  }),

  'routing.policy': setting({
    kind: optional(text('file')),
    default: null,
    help: 'JSON file that says how providers are chosen, used anew when it changes; unset: policy.json in the data folder, if there is one.',
    flag: 'routing-policy',
  }),

  'spending.limitPerDay': setting({
    kind: credits(0n),
    default: 10n * CREDIT,
    help: 'Credits that may go into channels within 24 hours.',
    flag: 'spending-limit',
  }),
  'spending.channelDeposit': setting({
    kind: credits(1n),
    default: CREDIT,
    help: 'Credits put into a new channel, or added to one that runs low.',
    flag: 'channel-deposit',
  }),
  'spending.channelLifetime': setting({
    kind: duration(10 * MINUTE, 365 * DAY),
    default: 7 * DAY,
    help: 'How long a channel lives; what is left comes back afterwards.',
    flag: 'channel-lifetime',
  }),

  'trust.shareReports': setting({
    kind: flag,
    default: true,
    help: 'Tell others how tasks with providers went, with the receipts; never of confidential or private tasks.',
    flag: 'share-reports',
  }),

  'audits.share': setting({
    kind: fraction,
    default: 0.1,
    help: 'What checking the answers of others may cost, as a share of what you spend on tasks, after the first few of each provider; 0 checks none.',
    flag: 'audit-share',
  }),
  'audits.leastProbability': setting({
    kind: fraction,
    default: 0.02,
    help: 'Chance that an answer is checked even of those trusted most.',
    flag: 'audit-least',
  }),
  'audits.unresolvedLimit': setting({
    kind: credits(0n),
    default: CREDIT / 100n,
    help: 'Credits that unchecked work of a provider without proof or stake may cost; beyond, others are asked first.',
    flag: 'unresolved-limit',
  }),
  'audits.loadModels': setting({
    kind: flag,
    default: false,
    help: 'Load models that lie on this machine but are not offered, too, to check answers with them.',
    flag: 'audit-load-models',
  }),
  'audits.keepFor': setting({
    kind: duration(HOUR, 365 * DAY),
    default: 30 * DAY,
    help: 'How long own tasks are kept, encrypted, to check or dispute them.',
    flag: 'audit-keep-for',
  }),

  'audits.remote': setting({
    kind: flag,
    default: true,
    help: 'Have answers of models you do not run checked by other nodes, where the data may go to them.',
    flag: 'audit-remote',
  }),
  'audits.serve': setting({
    kind: flag,
    default: true,
    help: 'Check answers for others with the models you offer, while nothing else is to be done.',
    flag: 'audit-serve',
  }),
  'audits.auditorStake': setting({
    kind: credits(0n),
    default: 100n * CREDIT,
    help: 'Credits a node must have at stake for you to ask it to check answers.',
    flag: 'auditor-stake',
  }),
  'audits.canaryShare': setting({
    kind: fraction,
    default: 0.2,
    help: 'Least share of what others are asked to check whose truth you know, so that who never looks is found out.',
    flag: 'canary-share',
  }),

  'disputes.maxBond': setting({
    kind: credits(0n),
    default: 0n,
    help: 'Credits that may be in open disputes as bonds, all together; 0 takes nobody to court.',
    flag: 'max-bond',
  }),
  'disputes.automatic': setting({
    kind: flag,
    default: true,
    help: 'Take providers to court by itself when a receipt of theirs cannot be explained, up to the bonds allowed.',
    flag: 'auto-dispute',
  }),
  'jury.serve': setting({
    kind: flag,
    default: true,
    help: 'Vote in the juries this wallet is drawn into as a validator; one that does not loses its bond.',
    flag: 'serve-jury',
  }),

  'learning.enabled': setting({
    kind: flag,
    default: false,
    help: 'Learn with other nodes: hear of rounds, take part in them, and judge what others made.',
    flag: 'learn',
  }),
  'learning.join': setting({
    kind: choice(JOIN_POLICIES),
    default: 'ask',
    help: 'Which rounds are joined: all there is data for (auto), those of shoal learn join (ask), or none (never).',
    flag: 'learning-join',
  }),
  'learning.publicText': setting({
    kind: list(text('file')),
    default: [],
    help: 'JSONL files given to everybody to measure updates with, as path or domain=path; never taken from own data.',
    flag: 'learning-public-text',
  }),
  'learning.proposerStake': setting({
    kind: credits(0n),
    default: CREDIT,
    help: 'Credits that who proposes a round must have at stake to be heard.',
    flag: 'learning-proposer-stake',
  }),
  'learning.quota': setting({
    kind: integer(16, 1_048_576),
    default: 2_048,
    help: 'MiB that updates and adapters of rounds may take on the disk.',
    flag: 'learning-quota',
  }),
  'learning.trainer': setting({
    kind: optional(text('command')),
    default: null,
    help: 'Command of another trainer, such as one that uses a GPU; unset: the one inside.',
    flag: 'learning-trainer',
  }),
  'learning.hours': setting({
    kind: list(hourSpan),
    default: [],
    help: 'When training may run, such as 22:00-07:00 or mon-fri 18:00-08:00, by local time; empty: at any time.',
    flag: 'learning-hours',
  }),
  'learning.power': setting({
    kind: choice(['ac', 'any']),
    default: 'ac',
    help: 'Whether a machine on battery learns, too.',
    flag: 'learning-power',
  }),
  'learning.maxTemperature': setting({
    kind: integer(30, 120),
    default: 85,
    help: 'Degrees Celsius of the processor at which learning pauses, until it is 10 cooler.',
    flag: 'learning-max-temperature',
  }),
  'learning.minFreeMemory': setting({
    kind: integer(0, 1_048_576),
    default: 1_024,
    help: 'MiB of memory that learning leaves free; when less is, it ends and goes on later from its checkpoint.',
    flag: 'learning-min-free-memory',
  }),
  'learning.maxMemory': setting({
    kind: optional(integer(128, 1_048_576)),
    default: null,
    help: 'MiB of memory that a training may take; unset: what is free.',
    flag: 'learning-max-memory',
  }),
  'learning.niceness': setting({
    kind: integer(0, 19),
    default: 10,
    help: 'How far training steps back behind other programs, as nice has it.',
    flag: 'learning-niceness',
  }),
  'learning.quiet': setting({
    kind: duration(SECOND, HOUR),
    default: 10 * SECOND,
    help: 'How long there must have been no task before learning goes on.',
    flag: 'learning-quiet',
  }),
  'learning.autoload': setting({
    kind: flag,
    default: true,
    help: 'Use a new version of an adapter by itself when it goes on from the one in use.',
    flag: 'learning-autoload',
  }),
  'learning.serve': setting({
    kind: flag,
    default: true,
    help: 'Serve and offer the adapters in use of the models that are served.',
    flag: 'learning-serve',
  }),
  'learning.generalText': setting({
    kind: optional(text('path')),
    default: null,
    help: 'JSONL with examples at which no adapter may make a model worse, also in rounds that name none. By default a text that comes with Shoal, for bases of 64 MiB or more.',
    flag: 'learning-general-text',
  }),

  'earning.settleEvery': setting({
    kind: duration(SECOND, 30 * DAY),
    default: HOUR,
    help: 'How often earnings are claimed on chain; always in time before a channel ends.',
    flag: 'settle-every',
  }),
  'earning.settleAbove': setting({
    kind: credits(0n),
    default: CREDIT / 1_000n,
    help: 'Smaller earnings wait, unless their channel ends.',
    flag: 'settle-above',
  }),
  'earning.minChannelRemaining': setting({
    kind: duration(MINUTE, 30 * DAY),
    default: 10 * MINUTE,
    help: 'A task is taken only if its channel lives so much longer.',
    flag: 'min-channel-remaining',
  }),

  'audit.anchorEvery': setting({
    kind: duration(SECOND, 30 * DAY),
    default: HOUR,
    help: 'How often the audit log is anchored on chain.',
    flag: 'anchor-every',
  }),
} as const

export type SettingKey = keyof typeof settings
type ValueOf<S> = S extends Setting<infer T> ? T : never
/** Effective values, by key. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> }

export const settingKeys = Object.keys(settings) as SettingKey[]

/** `p2p.targetPeers` is `SHOAL_P2P_TARGET_PEERS`. */
export function environmentName(key: SettingKey): string {
  return `SHOAL_${key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace('.', '_')
    .toUpperCase()}`
}

/** `p2p.listen` is `--listen`. */
export function flagName(key: SettingKey): string {
  return (settings[key] as Setting<unknown>).flag ?? key.slice(key.indexOf('.') + 1)
}

const TYPE = 'https://stellar.org/horizon-errors/';

/** Horizon's errors that the sandbox can give, with Horizon's own words. */
const TABLE = {
  not_found: {
    title: 'Resource Missing',
    status: 404,
    detail:
      'The resource at the url requested was not found.  This usually occurs for one of two reasons:  The url requested is not valid, or no data in our database could be found with the parameters provided.',
  },
  before_history: {
    title: 'Data Requested Is Before Recorded History',
    status: 410,
    detail:
      "This horizon instance is configured to only track a portion of the stellar network's latest history. This request is asking for results prior to the recorded history known to this horizon instance.",
  },
  bad_request: {
    title: 'Bad Request',
    status: 400,
    detail: 'The request you sent was invalid in some way.',
  },
  not_acceptable: {
    title: 'An acceptable response content-type could not be provided for this request',
    status: 406,
    detail: undefined,
  },
  invalid_accounts_params: {
    title: 'Invalid Accounts Parameters',
    status: 400,
    detail:
      'Exactly one filter is required. Please ensure that you are including a signer, sponsor, asset, or liquidity pool filter.',
  },
  invalid_order_book: {
    title: 'Invalid Order Book Parameters',
    status: 400,
    detail:
      "The parameters that specify what order book to view are invalid in some way. Please ensure that your type parameters (selling_asset_type and buying_asset_type) are one the following valid values: native, credit_alphanum4, credit_alphanum12.  Also ensure that you have specified selling_asset_code and selling_asset_issuer if selling_asset_type is not 'native', as well as buying_asset_code and buying_asset_issuer if buying_asset_type is not 'native'",
  },
  unsupported_media_type: {
    title: 'Unsupported Media Type',
    status: 415,
    detail:
      'The request has an unsupported content type. Presently, the only supported content type is application/x-www-form-urlencoded.',
  },
  transaction_malformed: {
    title: 'Transaction Malformed',
    status: 400,
    detail:
      'Horizon could not decode the transaction envelope in this request. A transaction should be an XDR TransactionEnvelope struct encoded using base64.  The envelope read from this request is echoed in the `extras.envelope_xdr` field of this response for your convenience.',
  },
  transaction_failed: {
    title: 'Transaction Failed',
    status: 400,
    detail:
      'The transaction failed when submitted to the stellar network. The `extras.result_codes` field on this response contains further details.  Descriptions of each code can be found at: https://developers.stellar.org/api/errors/http-status-codes/horizon-specific/transaction-failed/',
  },
  transaction_submission_timeout: {
    title: 'Transaction Submission Timeout',
    status: 504,
    detail:
      'Your transaction submission request has timed out. This does not necessarily mean the submission has failed. Before resubmitting, please use the transaction hash provided in `extras.hash` to poll the GET /transactions endpoint for sometime and check if it was included in a ledger.',
  },
  rate_limit_exceeded: {
    title: 'Rate Limit Exceeded',
    status: 429,
    detail:
      "The rate limit for the requesting IP address is over its alloted limit.  The allowed limit and requests left per time period are communicated to clients via the http response headers 'X-RateLimit-*' headers.",
  },
  stale_history: {
    title: 'Historical DB Is Too Stale',
    status: 503,
    detail:
      "This horizon instance is configured to reject client requests when it can determine that the history database is lagging too far behind the connected instance of Stellar-Core or read replica. It's also possible that Stellar-Core is out of sync. Please try again later.",
  },
  server_error: {
    title: 'Internal Server Error',
    status: 500,
    detail: 'An error occurred while processing this request.',
  },
} as const;

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string | undefined;
  extras: Record<string, unknown> | undefined;
}

/** An answer other than success, thrown by a route. */
export class HorizonProblem extends Error {
  override readonly name = 'HorizonProblem';
  readonly body: ProblemBody;
  constructor(body: ProblemBody) {
    super(body.title);
    this.body = body;
  }
}

/** Horizon's short name of a problem. */
export const nameOf = ({ body }: HorizonProblem): string => body.type.split('/').at(-1)!;

export const problem = (
  code: keyof typeof TABLE,
  extras?: Record<string, unknown>,
  detail: string | undefined = TABLE[code].detail,
): HorizonProblem => {
  const { title, status } = TABLE[code];
  return new HorizonProblem({ type: TYPE + code, title, status, detail, extras });
};

export const badField = (field: string, reason: string): HorizonProblem =>
  problem('bad_request', { invalid_field: field, reason });

/**
 * What a real Horizon does and the sandbox does not. No answer of Horizon looks like it, so that a refusal is never
 * taken for the network's word.
 */
export const refusal = (status: 400 | 501, detail: string, extras: Record<string, unknown>): HorizonProblem =>
  new HorizonProblem({
    type: 'urn:stellar-sandbox:refused',
    title: 'Refused By The Sandbox',
    status,
    detail,
    extras,
  });

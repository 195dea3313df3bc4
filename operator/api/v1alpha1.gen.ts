// Generated from crds/*.yaml by scripts/generate-crd-types.ts. Do not edit; run `make generate`.
import type { ObjectMeta } from '../kube/resource.ts';
import type { Schema } from './schema.ts';

/** A SigningPolicy says what the signer may sign for the accounts that it names. It binds to accounts, so that nobody who may only write StellarConnectors can loosen or evade it. All policies of a namespace that name an account apply to it, each must allow, and what none mentions is refused. */
export interface SigningPolicy {
  apiVersion: 'stellar-connector.io/v1alpha1';
  kind: 'SigningPolicy';
  metadata: ObjectMeta;
  /** What may be signed. */
  spec: SigningPolicySpec;
  /** What is. Written by the operator alone. */
  status?: SigningPolicyStatus;
}

/** What may be signed. */
export interface SigningPolicySpec {
  /** The accounts to which this policy applies. */
  accounts: string[];
  /** Channel accounts whose sequence numbers may be used, and which may pay their own fees. */
  channels?: string[];
  /** Stops all signing at once, except the deletion of offers. */
  killSwitch: boolean;
  /** The most operations in one transaction. */
  maxOperations: number;
  /** How far ahead of the signer's clock a transaction's maxTime may lie, in seconds. A transaction without time bounds is refused. */
  maxTimeBoundSeconds: number;
  /** Which memos a transaction may carry. */
  memo: SigningPolicySpecMemo;
  /** How many signatures a second on average; five seconds' worth may come at once. */
  signaturesPerSecond: number;
  /** Fees, in stroops of XLM. */
  fees: SigningPolicySpecFees;
  /** Pairs that may be swapped by a path payment of the account to itself. Assets on the path must occur in these pairs too. */
  swaps?: SigningPolicySpecSwap[];
  /** Pairs on whose order book offers may be placed. Deleting an own offer needs no rule. */
  offers?: SigningPolicySpecOffer[];
  /** Pairs into whose liquidity pool may be deposited and from which may be withdrawn. */
  pools?: SigningPolicySpecPool[];
  /** Payments to others that may be made. */
  payments?: SigningPolicySpecPayment[];
  /** Assets to which a trustline may be opened, changed or closed. */
  trustlines?: string[];
  /** Where connectors of these accounts may connect to, host:port, address:port or range:port (IPv6 in brackets). An address that a StellarConnector names must lie in an address or range of this list, whatever its host name. Absent means nowhere. */
  endpoints?: string[];
  /** How the pod's egress is held. */
  egress: SigningPolicySpecEgress;
  /** PKCS#11 libraries that a StellarConnector may choose. An image by its reference or by its digest alone (sha256:…), a path of the signer's image by itself (/usr/lib/…), a claim as pvc:<claimName>/<path>. Absent means none. */
  modules?: string[];
}

/** Which memos a transaction may carry. */
export interface SigningPolicySpecMemo {
  /** None allows no memo, Any every memo, Text the listed texts (or none at all). */
  kind: 'None' | 'Any' | 'Text';
  /** The texts that are allowed. */
  texts?: string[];
}

/** Fees, in stroops of XLM. */
export interface SigningPolicySpecFees {
  /** The most for one operation, in stroops. */
  perOperation: string;
  /** The most for one transaction, in stroops. */
  perTransaction: string;
  /** The most for all signed transactions of a sliding window. */
  window: SigningPolicySpecFeesWindow;
}

/** The most for all signed transactions of a sliding window. */
export interface SigningPolicySpecFeesWindow {
  /** The most that may be signed within the window, in stroops. */
  amount: string;
  /** Length of the sliding window in seconds, at most 7 days. */
  seconds: number;
}

/** One pair. */
export interface SigningPolicySpecSwap {
  /** The two assets, base first. */
  pair: string[];
  /** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
  price: SigningPolicySpecSwapPrice;
  /** For each asset of the pair the most that one swap may give away, in stroops. */
  maxAmount: Record<string, string>;
  /** For an asset of the pair the most that may be given away in a sliding window. */
  window?: Record<string, SigningPolicySpecSwapWindowItem>;
}

/** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
export interface SigningPolicySpecSwapPrice {
  /** The lowest price, a decimal. */
  min: string;
  /** The highest price, a decimal. */
  max: string;
}

/** A window of this asset. */
export interface SigningPolicySpecSwapWindowItem {
  /** The most that may be signed within the window, in stroops. */
  amount: string;
  /** Length of the sliding window in seconds, at most 7 days. */
  seconds: number;
}

/** One pair. */
export interface SigningPolicySpecOffer {
  /** The two assets, base first. */
  pair: string[];
  /** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
  price: SigningPolicySpecOfferPrice;
  /** For each asset of the pair the most that one offer may sell, in stroops. */
  maxAmount: Record<string, string>;
  /** For an asset of the pair the most that the offers signed in a sliding window may sell in all. */
  turnover: Record<string, SigningPolicySpecOfferTurnoverItem>;
}

/** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
export interface SigningPolicySpecOfferPrice {
  /** The lowest price, a decimal. */
  min: string;
  /** The highest price, a decimal. */
  max: string;
}

/** A window of this asset. */
export interface SigningPolicySpecOfferTurnoverItem {
  /** The most that may be signed within the window, in stroops. */
  amount: string;
  /** Length of the sliding window in seconds, at most 7 days. */
  seconds: number;
}

/** One pair. */
export interface SigningPolicySpecPool {
  /** The two assets, base first. */
  pair: string[];
  /** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
  price: SigningPolicySpecPoolPrice;
  /** For each asset of the pair the most that one deposit may give, in stroops. */
  maxAmount: Record<string, string>;
  /** For an asset of the pair the most that may be deposited in a sliding window. */
  window?: Record<string, SigningPolicySpecPoolWindowItem>;
}

/** The collar, in units of the second asset for one unit of the first. Both sides are judged by it. */
export interface SigningPolicySpecPoolPrice {
  /** The lowest price, a decimal. */
  min: string;
  /** The highest price, a decimal. */
  max: string;
}

/** A window of this asset. */
export interface SigningPolicySpecPoolWindowItem {
  /** The most that may be signed within the window, in stroops. */
  amount: string;
  /** Length of the sliding window in seconds, at most 7 days. */
  seconds: number;
}

/** Payments of one asset. */
export interface SigningPolicySpecPayment {
  /** The asset, XLM or CODE:ISSUER. */
  asset: string;
  /** Accounts that may be paid. */
  destinations: string[];
  /** The most for one payment, in stroops. */
  maxAmount: string;
  /** The most for all payments of a sliding window. */
  window: SigningPolicySpecPaymentWindow;
}

/** The most for all payments of a sliding window. */
export interface SigningPolicySpecPaymentWindow {
  /** The most that may be signed within the window, in stroops. */
  amount: string;
  /** Length of the sliding window in seconds, at most 7 days. */
  seconds: number;
}

/** How the pod's egress is held. */
export interface SigningPolicySpecEgress {
  /** Required keeps the signer locked until it was seen that the cluster enforces NetworkPolicies; Warn only reports it. */
  enforcement: 'Required' | 'Warn';
  /** Further destinations that the pod may reach. */
  extra?: SigningPolicySpecEgressExtraItem[];
}

/** One destination. */
export interface SigningPolicySpecEgressExtraItem {
  /** Host name or address. */
  host: string;
  /** TCP ports. */
  ports: number[];
  /** Why it is needed, for whoever reviews this. */
  reason: string;
}

/** What is. Written by the operator alone. */
export interface SigningPolicyStatus {
  /** The generation of the spec that the operator has last worked on. */
  observedGeneration?: number;
  /** Conditions of the policy. */
  conditions?: SigningPolicyStatusCondition[];
  /** The signers' journals, one for each account and network, so that a lost journal is noticed even when its StellarConnector was deleted. */
  journals?: SigningPolicyStatusJournal[];
}

/** One condition in the form of the Kubernetes API conventions. */
export interface SigningPolicyStatusCondition {
  /** What the condition is about. */
  type: string;
  /** Whether it holds; Unknown when nobody could tell. */
  status: 'True' | 'False' | 'Unknown';
  /** One word for why, from the table in the documentation. */
  reason: string;
  /** The same for a human, with what to do about it. */
  message: string;
  /** The generation of the spec that this condition speaks of. */
  observedGeneration?: number;
  /** When status last changed. */
  lastTransitionTime: string;
}

/** One journal. */
export interface SigningPolicyStatusJournal {
  /** The account. */
  account: string;
  /** The network by its id, SHA-256 of the passphrase in hexadecimal, since a name of one's own can be given to any network. */
  network: string;
  /** Random id in the journal's first line. */
  id: string;
  /** Number of the newest checkpoint, at most ten minutes old. */
  checkpoint?: number;
  /** Id of the journal before it, whose loss was accepted. */
  former?: string;
}

/** The shape and the defaults of `SigningPolicy.spec`. */
export const signingPolicySchema: Schema = {
  "type": "object",
  "required": [
    "accounts"
  ],
  "properties": {
    "accounts": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "channels": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "killSwitch": {
      "type": "boolean",
      "default": false
    },
    "maxOperations": {
      "type": "integer",
      "default": 100
    },
    "maxTimeBoundSeconds": {
      "type": "integer",
      "default": 110
    },
    "memo": {
      "type": "object",
      "default": {
        "kind": "None"
      },
      "properties": {
        "kind": {
          "type": "string",
          "default": "None",
          "enum": [
            "None",
            "Any",
            "Text"
          ]
        },
        "texts": {
          "type": "array",
          "items": {
            "type": "string"
          }
        }
      }
    },
    "signaturesPerSecond": {
      "type": "integer",
      "default": 5
    },
    "fees": {
      "type": "object",
      "default": {},
      "properties": {
        "perOperation": {
          "type": "string",
          "default": "20000"
        },
        "perTransaction": {
          "type": "string",
          "default": "2020000"
        },
        "window": {
          "type": "object",
          "default": {
            "amount": "500000000",
            "seconds": 86400
          },
          "required": [
            "amount",
            "seconds"
          ],
          "properties": {
            "amount": {
              "type": "string"
            },
            "seconds": {
              "type": "integer"
            }
          }
        }
      }
    },
    "swaps": {
      "type": "array",
      "items": {
        "type": "object",
        "required": [
          "pair",
          "price",
          "maxAmount"
        ],
        "properties": {
          "pair": {
            "type": "array",
            "items": {
              "type": "string"
            }
          },
          "price": {
            "type": "object",
            "required": [
              "min",
              "max"
            ],
            "properties": {
              "min": {
                "type": "string"
              },
              "max": {
                "type": "string"
              }
            }
          },
          "maxAmount": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          },
          "window": {
            "type": "object",
            "additionalProperties": {
              "type": "object",
              "required": [
                "amount",
                "seconds"
              ],
              "properties": {
                "amount": {
                  "type": "string"
                },
                "seconds": {
                  "type": "integer"
                }
              }
            }
          }
        }
      }
    },
    "offers": {
      "type": "array",
      "items": {
        "type": "object",
        "required": [
          "pair",
          "price",
          "maxAmount",
          "turnover"
        ],
        "properties": {
          "pair": {
            "type": "array",
            "items": {
              "type": "string"
            }
          },
          "price": {
            "type": "object",
            "required": [
              "min",
              "max"
            ],
            "properties": {
              "min": {
                "type": "string"
              },
              "max": {
                "type": "string"
              }
            }
          },
          "maxAmount": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          },
          "turnover": {
            "type": "object",
            "additionalProperties": {
              "type": "object",
              "required": [
                "amount",
                "seconds"
              ],
              "properties": {
                "amount": {
                  "type": "string"
                },
                "seconds": {
                  "type": "integer"
                }
              }
            }
          }
        }
      }
    },
    "pools": {
      "type": "array",
      "items": {
        "type": "object",
        "required": [
          "pair",
          "price",
          "maxAmount"
        ],
        "properties": {
          "pair": {
            "type": "array",
            "items": {
              "type": "string"
            }
          },
          "price": {
            "type": "object",
            "required": [
              "min",
              "max"
            ],
            "properties": {
              "min": {
                "type": "string"
              },
              "max": {
                "type": "string"
              }
            }
          },
          "maxAmount": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          },
          "window": {
            "type": "object",
            "additionalProperties": {
              "type": "object",
              "required": [
                "amount",
                "seconds"
              ],
              "properties": {
                "amount": {
                  "type": "string"
                },
                "seconds": {
                  "type": "integer"
                }
              }
            }
          }
        }
      }
    },
    "payments": {
      "type": "array",
      "items": {
        "type": "object",
        "required": [
          "asset",
          "destinations",
          "maxAmount",
          "window"
        ],
        "properties": {
          "asset": {
            "type": "string"
          },
          "destinations": {
            "type": "array",
            "items": {
              "type": "string"
            }
          },
          "maxAmount": {
            "type": "string"
          },
          "window": {
            "type": "object",
            "required": [
              "amount",
              "seconds"
            ],
            "properties": {
              "amount": {
                "type": "string"
              },
              "seconds": {
                "type": "integer"
              }
            }
          }
        }
      }
    },
    "trustlines": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "endpoints": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "egress": {
      "type": "object",
      "default": {},
      "properties": {
        "enforcement": {
          "type": "string",
          "default": "Required",
          "enum": [
            "Required",
            "Warn"
          ]
        },
        "extra": {
          "type": "array",
          "items": {
            "type": "object",
            "required": [
              "host",
              "ports",
              "reason"
            ],
            "properties": {
              "host": {
                "type": "string"
              },
              "ports": {
                "type": "array",
                "items": {
                  "type": "integer"
                }
              },
              "reason": {
                "type": "string"
              }
            }
          }
        }
      }
    },
    "modules": {
      "type": "array",
      "items": {
        "type": "string"
      }
    }
  }
};

/** A StellarConnector runs one Hummingbot connector for one Stellar account, next to a signer whose key stays in an HSM or in Vault. What it may sign is decided by the SigningPolicies of its namespace that name its account, never here. */
export interface StellarConnector {
  apiVersion: 'stellar-connector.io/v1alpha1';
  kind: 'StellarConnector';
  metadata: ObjectMeta;
  /** What is wanted. */
  spec: StellarConnectorSpec;
  /** What is. Written by the operator alone, and only on a change. */
  status?: StellarConnectorStatus;
}

/** What is wanted. */
export interface StellarConnectorSpec {
  /** The Stellar network, public, testnet or the name of one of your own, which then needs networkPassphrase. Hummingbot sees it as chain and network stellar-mainnet, stellar-testnet or stellar-<name>. Immutable. */
  network: string;
  /** Passphrase of a network of your own; every signature commits to it. Immutable. */
  networkPassphrase?: string;
  /** The account that trades. The signer refuses to start on a key of another account. Immutable. */
  account: string;
  /** Accounts that lend their sequence numbers so that transactions of account can be in flight in parallel. Each has master weight 0 and account as its only signer. */
  channelAccounts?: string[];
  /** The Horizon servers that are asked for books, paths and accounts and that take transactions. */
  horizon: StellarConnectorSpecHorizon;
  /** Stellar RPC servers through which transactions are also submitted and answers of Horizon are checked. */
  rpc?: StellarConnectorSpecRpc;
  /** Where the key is. Exactly one of pkcs11 and vaultTransit. */
  signer: StellarConnectorSpecSigner;
  /** The pairs that the connector offers to Hummingbot. What may be signed is decided by the policies. */
  markets: StellarConnectorSpecMarket[];
  /** The door for Hummingbot, mutual TLS on port 15888. */
  gateway: StellarConnectorSpecGateway;
  /** The claims of the pod, kept when the StellarConnector is deleted. Immutable; enlarge a claim itself. */
  storage: StellarConnectorSpecStorage;
  /** Where and how the pod runs. No containers and no volumes can be added. */
  podTemplate: StellarConnectorSpecPodTemplate;
  /** 1 runs the connector, 0 pauses it (offers are cancelled first). There is never more than one, since two would race for the account's sequence number. */
  replicas: number;
  /** Who may read the metrics of signer and connector. */
  monitoring: StellarConnectorSpecMonitoring;
}

/** The Horizon servers that are asked for books, paths and accounts and that take transactions. */
export interface StellarConnectorSpecHorizon {
  /** The servers, in order of preference. */
  endpoints: StellarConnectorSpecHorizonEndpoint[];
  /** How many servers must agree on an answer before it is believed. */
  quorum: number;
}

/** One Horizon server. */
export interface StellarConnectorSpecHorizonEndpoint {
  /** Base address, https only. The port is 443 unless it is written here. */
  url: string;
  /** SHA-256 pins of public keys (RFC 7469 form), of which one must occur in the server's verified certificate chain. At least two, so that a key can be replaced without an outage. Absent means that the chain alone is verified. */
  spkiPins?: string[];
  /** The IP addresses at which this host may be reached. The pod asks no DNS server; it dials these and nothing else, and the NetworkPolicy allows these and nothing else. */
  addresses?: string[];
  /** A Secret of this namespace whose key is sent with every request as an HTTP header, for providers that want an API key. */
  authSecretRef?: StellarConnectorSpecHorizonEndpointAuthSecretRef;
  /** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
  caBundleRef?: StellarConnectorSpecHorizonEndpointCaBundleRef;
}

/** A Secret of this namespace whose key is sent with every request as an HTTP header, for providers that want an API key. */
export interface StellarConnectorSpecHorizonEndpointAuthSecretRef {
  /** Name of the Secret. */
  name: string;
  /** Key in the Secret that holds the header's value. */
  key: string;
  /** Name of the HTTP header. */
  header: string;
}

/** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
export interface StellarConnectorSpecHorizonEndpointCaBundleRef {
  /** Name of the ConfigMap. */
  name: string;
  /** Key in the ConfigMap under which the PEM text stands. */
  key: string;
}

/** Stellar RPC servers through which transactions are also submitted and answers of Horizon are checked. */
export interface StellarConnectorSpecRpc {
  /** The servers, in order of preference. */
  endpoints: StellarConnectorSpecRpcEndpoint[];
}

/** One Stellar RPC server. */
export interface StellarConnectorSpecRpcEndpoint {
  /** Base address, https only. The port is 443 unless it is written here. */
  url: string;
  /** SHA-256 pins of public keys (RFC 7469 form), of which one must occur in the server's verified certificate chain. At least two, so that a key can be replaced without an outage. Absent means that the chain alone is verified. */
  spkiPins?: string[];
  /** The IP addresses at which this host may be reached. The pod asks no DNS server; it dials these and nothing else, and the NetworkPolicy allows these and nothing else. */
  addresses?: string[];
  /** A Secret of this namespace whose key is sent with every request as an HTTP header, for providers that want an API key. */
  authSecretRef?: StellarConnectorSpecRpcEndpointAuthSecretRef;
  /** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
  caBundleRef?: StellarConnectorSpecRpcEndpointCaBundleRef;
}

/** A Secret of this namespace whose key is sent with every request as an HTTP header, for providers that want an API key. */
export interface StellarConnectorSpecRpcEndpointAuthSecretRef {
  /** Name of the Secret. */
  name: string;
  /** Key in the Secret that holds the header's value. */
  key: string;
  /** Name of the HTTP header. */
  header: string;
}

/** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
export interface StellarConnectorSpecRpcEndpointCaBundleRef {
  /** Name of the ConfigMap. */
  name: string;
  /** Key in the ConfigMap under which the PEM text stands. */
  key: string;
}

/** Where the key is. Exactly one of pkcs11 and vaultTransit. */
export interface StellarConnectorSpecSigner {
  /** The key is in a token behind a PKCS#11 library (an HSM, YubiHSM, SoftHSM). */
  pkcs11?: StellarConnectorSpecSignerPkcs11;
  /** The key is in the transit engine of Vault or OpenBao. */
  vaultTransit?: StellarConnectorSpecSignerVaultTransit;
}

/** The key is in a token behind a PKCS#11 library (an HSM, YubiHSM, SoftHSM). */
export interface StellarConnectorSpecSignerPkcs11 {
  /** Where the vendor's PKCS#11 library comes from. Exactly one of image, pvc and path; the policies must allow it. */
  module: StellarConnectorSpecSignerPkcs11Module;
  /** Label of the token. */
  tokenLabel?: string;
  /** Serial number of the token, as the library shows it. */
  tokenSerial?: string;
  /** CKA_LABEL of the private key. */
  keyLabel?: string;
  /** CKA_ID of the private key in hexadecimal. */
  keyId?: string;
  /** CKA_LABEL of a second key in the same token, which signs the checkpoints of the signer's journal. */
  auditKeyLabel?: string;
  /** The Secret of this namespace that holds the user PIN of the token. It is mounted in the signer alone; the operator never reads it. */
  pinSecretRef: StellarConnectorSpecSignerPkcs11PinSecretRef;
  /** How the token writes the public point (CKA_EC_POINT). Auto tells the known forms apart by their length. */
  pointEncoding: 'Auto' | 'DerOctetString' | 'Raw' | 'BitString';
  /** Where the library reaches a network HSM, address:port over TCP. Added to the pod's egress; the policies must list them. */
  endpoints?: string[];
}

/** Where the vendor's PKCS#11 library comes from. Exactly one of image, pvc and path; the policies must allow it. */
export interface StellarConnectorSpecSignerPkcs11Module {
  /** An OCI image that holds the library and its configuration, mounted read-only at /opt/pkcs11 (needs a cluster with image volumes). */
  image?: StellarConnectorSpecSignerPkcs11ModuleImage;
  /** A PersistentVolumeClaim of this namespace that holds the library and its configuration, mounted at /opt/pkcs11. */
  pvc?: StellarConnectorSpecSignerPkcs11ModulePvc;
  /** Absolute path of a library that the signer's image already has. */
  path?: string;
}

/** An OCI image that holds the library and its configuration, mounted read-only at /opt/pkcs11 (needs a cluster with image volumes). */
export interface StellarConnectorSpecSignerPkcs11ModuleImage {
  /** The image. By digest (name@sha256:…) if the policies list digests. */
  reference: string;
  /** Path of the library within the image, relative to its root. */
  path: string;
  /** When the image is pulled. */
  pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
}

/** A PersistentVolumeClaim of this namespace that holds the library and its configuration, mounted at /opt/pkcs11. */
export interface StellarConnectorSpecSignerPkcs11ModulePvc {
  /** Name of the claim. */
  claimName: string;
  /** Path of the library within the volume, relative to its root. */
  path: string;
  /** Whether the volume is mounted read-only. Set false only for a library that keeps its token there, such as SoftHSM. */
  readOnly: boolean;
}

/** The Secret of this namespace that holds the user PIN of the token. It is mounted in the signer alone; the operator never reads it. */
export interface StellarConnectorSpecSignerPkcs11PinSecretRef {
  /** Name of the Secret. */
  name: string;
  /** Key in the Secret that holds the PIN. */
  key: string;
}

/** The key is in the transit engine of Vault or OpenBao. */
export interface StellarConnectorSpecSignerVaultTransit {
  /** Base address of Vault, https only. */
  address: string;
  /** The IP addresses at which this host may be reached. The pod asks no DNS server; it dials these and nothing else, and the NetworkPolicy allows these and nothing else. The policies must list them. */
  addresses?: string[];
  /** Vault namespace (Vault Enterprise, HCP). */
  namespace?: string;
  /** Path at which the transit engine is mounted. */
  mount: string;
  /** Name of the transit key, of type ed25519 and not exportable. */
  key: string;
  /** Version of the key, pinned. A rotated key is another account. */
  keyVersion: number;
  /** Name of a second transit key, which signs the checkpoints of the signer's journal. */
  auditKey?: string;
  /** How the signer logs in. */
  auth: StellarConnectorSpecSignerVaultTransitAuth;
  /** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
  caBundleRef?: StellarConnectorSpecSignerVaultTransitCaBundleRef;
}

/** How the signer logs in. */
export interface StellarConnectorSpecSignerVaultTransitAuth {
  /** Kubernetes auth with a projected token that only the signer has. */
  kubernetes: StellarConnectorSpecSignerVaultTransitAuthKubernetes;
}

/** Kubernetes auth with a projected token that only the signer has. */
export interface StellarConnectorSpecSignerVaultTransitAuthKubernetes {
  /** Role of the auth method. */
  role: string;
  /** Path at which the auth method is mounted. */
  mount: string;
  /** Audience of the projected token. */
  audience: string;
}

/** A ConfigMap of this namespace whose key holds the PEM certificates of a private CA. Set it only for a server whose certificate no public CA signed; it replaces the public roots for this server. */
export interface StellarConnectorSpecSignerVaultTransitCaBundleRef {
  /** Name of the ConfigMap. */
  name: string;
  /** Key in the ConfigMap under which the PEM text stands. */
  key: string;
}

/** One pair. */
export interface StellarConnectorSpecMarket {
  /** The asset that is bought and sold, XLM or CODE:ISSUER. */
  base: string;
  /** The asset in which the price is given, XLM or CODE:ISSUER. */
  quote: string;
}

/** The door for Hummingbot, mutual TLS on port 15888. */
export interface StellarConnectorSpecGateway {
  /** Where its certificates come from. Exactly one of selfSigned, secretName and certManager. */
  tls: StellarConnectorSpecGatewayTls;
  /** Client certificates that may connect, each by a subject alternative name or by its SHA-256 fingerprint (sha256/<64 hexadecimal>). Absent means every certificate of the client CA. */
  clients?: string[];
  /** Who may open a connection to the gateway, as peers of a NetworkPolicy. Absent means the pods of this namespace. */
  from?: StellarConnectorSpecGatewayFromItem[];
}

/** Where its certificates come from. Exactly one of selfSigned, secretName and certManager. */
export interface StellarConnectorSpecGatewayTls {
  /** The operator makes server and client certificates and renews them. The client's are in the Secret <name>-client-tls. */
  selfSigned?: Record<string, never>;
  /** A Secret of type kubernetes.io/tls of your own, with ca.crt for the clients. */
  secretName?: string;
  /** cert-manager makes the certificates. */
  certManager?: StellarConnectorSpecGatewayTlsCertManager;
}

/** cert-manager makes the certificates. */
export interface StellarConnectorSpecGatewayTlsCertManager {
  /** The issuer. */
  issuerRef: StellarConnectorSpecGatewayTlsCertManagerIssuerRef;
}

/** The issuer. */
export interface StellarConnectorSpecGatewayTlsCertManagerIssuerRef {
  /** Name of the issuer. */
  name: string;
  /** Issuer or ClusterIssuer. */
  kind: string;
  /** API group of the issuer. */
  group: string;
}

/** One peer. */
export interface StellarConnectorSpecGatewayFromItem {
  /** The pods, in this namespace or in those of namespaceSelector. */
  podSelector?: StellarConnectorSpecGatewayFromItemPodSelector;
  /** The namespaces. */
  namespaceSelector?: StellarConnectorSpecGatewayFromItemNamespaceSelector;
  /** A range of addresses. */
  ipBlock?: StellarConnectorSpecGatewayFromItemIpBlock;
}

/** The pods, in this namespace or in those of namespaceSelector. */
export interface StellarConnectorSpecGatewayFromItemPodSelector {
  /** Labels that must all be present with these values. */
  matchLabels?: Record<string, string>;
  /** Requirements that must all hold. */
  matchExpressions?: StellarConnectorSpecGatewayFromItemPodSelectorMatchExpression[];
}

/** One requirement on one label. */
export interface StellarConnectorSpecGatewayFromItemPodSelectorMatchExpression {
  /** The label's key. */
  key: string;
  /** How the label's value relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** The values, for In and NotIn only. */
  values?: string[];
}

/** The namespaces. */
export interface StellarConnectorSpecGatewayFromItemNamespaceSelector {
  /** Labels that must all be present with these values. */
  matchLabels?: Record<string, string>;
  /** Requirements that must all hold. */
  matchExpressions?: StellarConnectorSpecGatewayFromItemNamespaceSelectorMatchExpression[];
}

/** One requirement on one label. */
export interface StellarConnectorSpecGatewayFromItemNamespaceSelectorMatchExpression {
  /** The label's key. */
  key: string;
  /** How the label's value relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** The values, for In and NotIn only. */
  values?: string[];
}

/** A range of addresses. */
export interface StellarConnectorSpecGatewayFromItemIpBlock {
  /** The range. */
  cidr: string;
  /** Ranges within cidr that stay outside. */
  except?: string[];
}

/** The claims of the pod, kept when the StellarConnector is deleted. Immutable; enlarge a claim itself. */
export interface StellarConnectorSpecStorage {
  /** For the signer's journal, its one durable state. */
  signer: StellarConnectorSpecStorageSigner;
  /** For the connector's orders. */
  connector: StellarConnectorSpecStorageConnector;
}

/** For the signer's journal, its one durable state. */
export interface StellarConnectorSpecStorageSigner {
  /** Size of the claim, a quantity. */
  size: string;
  /** StorageClass of the claim; the cluster's default class if absent. */
  className?: string;
}

/** For the connector's orders. */
export interface StellarConnectorSpecStorageConnector {
  /** Size of the claim, a quantity. */
  size: string;
  /** StorageClass of the claim; the cluster's default class if absent. */
  className?: string;
}

/** Where and how the pod runs. No containers and no volumes can be added. */
export interface StellarConnectorSpecPodTemplate {
  /** Labels of the nodes on which the pod may run. */
  nodeSelector?: Record<string, string>;
  /** Taints that the pod tolerates. */
  tolerations?: StellarConnectorSpecPodTemplateToleration[];
  /** Affinity of the pod, in the form of a pod's spec.affinity. */
  affinity?: Record<string, unknown>;
  /** Annotations of the pod. Only those of the operator's list are accepted, since annotations can make other controllers inject containers. */
  annotations?: Record<string, string>;
  /** Requests and limits of the containers. */
  resources: StellarConnectorSpecPodTemplateResources;
}

/** One toleration. */
export interface StellarConnectorSpecPodTemplateToleration {
  /** Key of the taint; every key if absent. */
  key?: string;
  /** How the taint's value relates to value. */
  operator?: 'Exists' | 'Equal';
  /** Value of the taint. */
  value?: string;
  /** Effect of the taint; every effect if absent. */
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** How long a NoExecute taint is tolerated, in seconds. */
  tolerationSeconds?: number;
}

/** Requests and limits of the containers. */
export interface StellarConnectorSpecPodTemplateResources {
  /** Of the signer. */
  signer: StellarConnectorSpecPodTemplateResourcesSigner;
  /** Of the connector. */
  connector: StellarConnectorSpecPodTemplateResourcesConnector;
}

/** Of the signer. */
export interface StellarConnectorSpecPodTemplateResourcesSigner {
  /** What the scheduler sets aside for the container. */
  requests?: Record<string, number | string>;
  /** What the container may use at most. */
  limits?: Record<string, number | string>;
}

/** Of the connector. */
export interface StellarConnectorSpecPodTemplateResourcesConnector {
  /** What the scheduler sets aside for the container. */
  requests?: Record<string, number | string>;
  /** What the container may use at most. */
  limits?: Record<string, number | string>;
}

/** Who may read the metrics of signer and connector. */
export interface StellarConnectorSpecMonitoring {
  /** Whether to make a PodMonitor for the Prometheus operator. */
  podMonitor: boolean;
  /** Namespaces whose pods may read the metrics. Absent means none but the operator's. */
  from?: StellarConnectorSpecMonitoringFrom;
}

/** Namespaces whose pods may read the metrics. Absent means none but the operator's. */
export interface StellarConnectorSpecMonitoringFrom {
  /** Labels that must all be present with these values. */
  matchLabels?: Record<string, string>;
  /** Requirements that must all hold. */
  matchExpressions?: StellarConnectorSpecMonitoringFromMatchExpression[];
}

/** One requirement on one label. */
export interface StellarConnectorSpecMonitoringFromMatchExpression {
  /** The label's key. */
  key: string;
  /** How the label's value relates to values. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** The values, for In and NotIn only. */
  values?: string[];
}

/** What is. Written by the operator alone, and only on a change. */
export interface StellarConnectorStatus {
  /** The generation of the spec that the operator has last worked on. */
  observedGeneration?: number;
  /** Pods that exist, for the scale subresource. */
  replicas?: number;
  /** Label selector of the pods, for the scale subresource. */
  selector?: string;
  /** Ready, Reconciling, Stalled, SignerReady, PolicyInForce, EgressPinned, EgressEnforced and EgressExclusive. Reconciling and Stalled are absent when all is well. */
  conditions?: StellarConnectorStatusCondition[];
  /** The account of the key that the signer found. */
  account?: string;
  /** Host and port of the gateway within the cluster, for example slc.trading.svc:15888. */
  gateway?: string;
  /** The pinned addresses. */
  addresses?: StellarConnectorStatusAddress[];
  /** The TLS Secrets that the operator made. */
  certificates?: StellarConnectorStatusCertificate[];
  /** The signer's journal as last seen, handed back to it so that it notices a loss. */
  journal?: StellarConnectorStatusJournal;
  /** Hash of the policies that the signer last reported as loaded. */
  policyHash?: string;
}

/** One condition in the form of the Kubernetes API conventions. */
export interface StellarConnectorStatusCondition {
  /** What the condition is about. */
  type: string;
  /** Whether it holds; Unknown when nobody could tell. */
  status: 'True' | 'False' | 'Unknown';
  /** One word for why, from the table in the documentation. */
  reason: string;
  /** The same for a human, with what to do about it. */
  message: string;
  /** The generation of the spec that this condition speaks of. */
  observedGeneration?: number;
  /** When status last changed. */
  lastTransitionTime: string;
}

/** One address of one host. */
export interface StellarConnectorStatusAddress {
  /** The host. */
  host: string;
  /** The address. */
  ip: string;
  /** Adding (allowed, not yet used), Active (used) or Draining (no longer used, still allowed). */
  phase: 'Adding' | 'Active' | 'Draining';
}

/** One Secret. */
export interface StellarConnectorStatusCertificate {
  /** Name of the Secret. */
  secretName: string;
  /** Its uid when it was made; an object of another uid is not ours. */
  uid: string;
  /** When the certificate in it ends. */
  notAfter: string;
}

/** The signer's journal as last seen, handed back to it so that it notices a loss. */
export interface StellarConnectorStatusJournal {
  /** Random id in the journal's first line. */
  id: string;
  /** Number of the newest checkpoint, at most ten minutes old. */
  checkpoint?: number;
  /** Id of the journal before it, whose loss was accepted. */
  former?: string;
}

/** The shape and the defaults of `StellarConnector.spec`. */
export const stellarConnectorSchema: Schema = {
  "type": "object",
  "required": [
    "network",
    "account",
    "horizon",
    "signer",
    "markets"
  ],
  "properties": {
    "network": {
      "type": "string"
    },
    "networkPassphrase": {
      "type": "string"
    },
    "account": {
      "type": "string"
    },
    "channelAccounts": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "horizon": {
      "type": "object",
      "required": [
        "endpoints"
      ],
      "properties": {
        "endpoints": {
          "type": "array",
          "items": {
            "type": "object",
            "required": [
              "url"
            ],
            "properties": {
              "url": {
                "type": "string"
              },
              "spkiPins": {
                "type": "array",
                "items": {
                  "type": "string"
                }
              },
              "addresses": {
                "type": "array",
                "items": {
                  "type": "string"
                }
              },
              "authSecretRef": {
                "type": "object",
                "required": [
                  "name",
                  "key"
                ],
                "properties": {
                  "name": {
                    "type": "string"
                  },
                  "key": {
                    "type": "string"
                  },
                  "header": {
                    "type": "string",
                    "default": "Authorization"
                  }
                }
              },
              "caBundleRef": {
                "type": "object",
                "required": [
                  "name",
                  "key"
                ],
                "properties": {
                  "name": {
                    "type": "string"
                  },
                  "key": {
                    "type": "string"
                  }
                }
              }
            }
          }
        },
        "quorum": {
          "type": "integer",
          "default": 1
        }
      }
    },
    "rpc": {
      "type": "object",
      "required": [
        "endpoints"
      ],
      "properties": {
        "endpoints": {
          "type": "array",
          "items": {
            "type": "object",
            "required": [
              "url"
            ],
            "properties": {
              "url": {
                "type": "string"
              },
              "spkiPins": {
                "type": "array",
                "items": {
                  "type": "string"
                }
              },
              "addresses": {
                "type": "array",
                "items": {
                  "type": "string"
                }
              },
              "authSecretRef": {
                "type": "object",
                "required": [
                  "name",
                  "key"
                ],
                "properties": {
                  "name": {
                    "type": "string"
                  },
                  "key": {
                    "type": "string"
                  },
                  "header": {
                    "type": "string",
                    "default": "Authorization"
                  }
                }
              },
              "caBundleRef": {
                "type": "object",
                "required": [
                  "name",
                  "key"
                ],
                "properties": {
                  "name": {
                    "type": "string"
                  },
                  "key": {
                    "type": "string"
                  }
                }
              }
            }
          }
        }
      }
    },
    "signer": {
      "type": "object",
      "properties": {
        "pkcs11": {
          "type": "object",
          "required": [
            "module",
            "pinSecretRef"
          ],
          "properties": {
            "module": {
              "type": "object",
              "properties": {
                "image": {
                  "type": "object",
                  "required": [
                    "reference",
                    "path"
                  ],
                  "properties": {
                    "reference": {
                      "type": "string"
                    },
                    "path": {
                      "type": "string"
                    },
                    "pullPolicy": {
                      "type": "string",
                      "default": "IfNotPresent",
                      "enum": [
                        "Always",
                        "IfNotPresent",
                        "Never"
                      ]
                    }
                  }
                },
                "pvc": {
                  "type": "object",
                  "required": [
                    "claimName",
                    "path"
                  ],
                  "properties": {
                    "claimName": {
                      "type": "string"
                    },
                    "path": {
                      "type": "string"
                    },
                    "readOnly": {
                      "type": "boolean",
                      "default": true
                    }
                  }
                },
                "path": {
                  "type": "string"
                }
              }
            },
            "tokenLabel": {
              "type": "string"
            },
            "tokenSerial": {
              "type": "string"
            },
            "keyLabel": {
              "type": "string"
            },
            "keyId": {
              "type": "string"
            },
            "auditKeyLabel": {
              "type": "string"
            },
            "pinSecretRef": {
              "type": "object",
              "required": [
                "name"
              ],
              "properties": {
                "name": {
                  "type": "string"
                },
                "key": {
                  "type": "string",
                  "default": "pin"
                }
              }
            },
            "pointEncoding": {
              "type": "string",
              "default": "Auto",
              "enum": [
                "Auto",
                "DerOctetString",
                "Raw",
                "BitString"
              ]
            },
            "endpoints": {
              "type": "array",
              "items": {
                "type": "string"
              }
            }
          }
        },
        "vaultTransit": {
          "type": "object",
          "required": [
            "address",
            "key",
            "auth"
          ],
          "properties": {
            "address": {
              "type": "string"
            },
            "addresses": {
              "type": "array",
              "items": {
                "type": "string"
              }
            },
            "namespace": {
              "type": "string"
            },
            "mount": {
              "type": "string",
              "default": "transit"
            },
            "key": {
              "type": "string"
            },
            "keyVersion": {
              "type": "integer",
              "default": 1
            },
            "auditKey": {
              "type": "string"
            },
            "auth": {
              "type": "object",
              "required": [
                "kubernetes"
              ],
              "properties": {
                "kubernetes": {
                  "type": "object",
                  "required": [
                    "role"
                  ],
                  "properties": {
                    "role": {
                      "type": "string"
                    },
                    "mount": {
                      "type": "string",
                      "default": "kubernetes"
                    },
                    "audience": {
                      "type": "string",
                      "default": "vault"
                    }
                  }
                }
              }
            },
            "caBundleRef": {
              "type": "object",
              "required": [
                "name",
                "key"
              ],
              "properties": {
                "name": {
                  "type": "string"
                },
                "key": {
                  "type": "string"
                }
              }
            }
          }
        }
      }
    },
    "markets": {
      "type": "array",
      "items": {
        "type": "object",
        "required": [
          "base",
          "quote"
        ],
        "properties": {
          "base": {
            "type": "string"
          },
          "quote": {
            "type": "string"
          }
        }
      }
    },
    "gateway": {
      "type": "object",
      "default": {},
      "properties": {
        "tls": {
          "type": "object",
          "default": {
            "selfSigned": {}
          },
          "properties": {
            "selfSigned": {
              "type": "object"
            },
            "secretName": {
              "type": "string"
            },
            "certManager": {
              "type": "object",
              "required": [
                "issuerRef"
              ],
              "properties": {
                "issuerRef": {
                  "type": "object",
                  "required": [
                    "name"
                  ],
                  "properties": {
                    "name": {
                      "type": "string"
                    },
                    "kind": {
                      "type": "string",
                      "default": "Issuer"
                    },
                    "group": {
                      "type": "string",
                      "default": "cert-manager.io"
                    }
                  }
                }
              }
            }
          }
        },
        "clients": {
          "type": "array",
          "items": {
            "type": "string"
          }
        },
        "from": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": {
              "podSelector": {
                "type": "object",
                "properties": {
                  "matchLabels": {
                    "type": "object",
                    "additionalProperties": {
                      "type": "string"
                    }
                  },
                  "matchExpressions": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": [
                        "key",
                        "operator"
                      ],
                      "properties": {
                        "key": {
                          "type": "string"
                        },
                        "operator": {
                          "type": "string",
                          "enum": [
                            "In",
                            "NotIn",
                            "Exists",
                            "DoesNotExist"
                          ]
                        },
                        "values": {
                          "type": "array",
                          "items": {
                            "type": "string"
                          }
                        }
                      }
                    }
                  }
                }
              },
              "namespaceSelector": {
                "type": "object",
                "properties": {
                  "matchLabels": {
                    "type": "object",
                    "additionalProperties": {
                      "type": "string"
                    }
                  },
                  "matchExpressions": {
                    "type": "array",
                    "items": {
                      "type": "object",
                      "required": [
                        "key",
                        "operator"
                      ],
                      "properties": {
                        "key": {
                          "type": "string"
                        },
                        "operator": {
                          "type": "string",
                          "enum": [
                            "In",
                            "NotIn",
                            "Exists",
                            "DoesNotExist"
                          ]
                        },
                        "values": {
                          "type": "array",
                          "items": {
                            "type": "string"
                          }
                        }
                      }
                    }
                  }
                }
              },
              "ipBlock": {
                "type": "object",
                "required": [
                  "cidr"
                ],
                "properties": {
                  "cidr": {
                    "type": "string"
                  },
                  "except": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    }
                  }
                }
              }
            }
          }
        }
      }
    },
    "storage": {
      "type": "object",
      "default": {},
      "properties": {
        "signer": {
          "type": "object",
          "default": {},
          "properties": {
            "size": {
              "type": "string",
              "default": "1Gi"
            },
            "className": {
              "type": "string"
            }
          }
        },
        "connector": {
          "type": "object",
          "default": {},
          "properties": {
            "size": {
              "type": "string",
              "default": "1Gi"
            },
            "className": {
              "type": "string"
            }
          }
        }
      }
    },
    "podTemplate": {
      "type": "object",
      "default": {},
      "properties": {
        "nodeSelector": {
          "type": "object",
          "additionalProperties": {
            "type": "string"
          }
        },
        "tolerations": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": {
              "key": {
                "type": "string"
              },
              "operator": {
                "type": "string",
                "enum": [
                  "Exists",
                  "Equal"
                ]
              },
              "value": {
                "type": "string"
              },
              "effect": {
                "type": "string",
                "enum": [
                  "NoSchedule",
                  "PreferNoSchedule",
                  "NoExecute"
                ]
              },
              "tolerationSeconds": {
                "type": "integer"
              }
            }
          }
        },
        "affinity": {
          "x-kubernetes-preserve-unknown-fields": true,
          "type": "object"
        },
        "annotations": {
          "type": "object",
          "additionalProperties": {
            "type": "string"
          }
        },
        "resources": {
          "type": "object",
          "default": {},
          "properties": {
            "signer": {
              "type": "object",
              "default": {
                "requests": {
                  "cpu": "50m",
                  "memory": "96Mi"
                },
                "limits": {
                  "memory": "256Mi"
                }
              },
              "properties": {
                "requests": {
                  "type": "object",
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true
                  }
                },
                "limits": {
                  "type": "object",
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true
                  }
                }
              }
            },
            "connector": {
              "type": "object",
              "default": {
                "requests": {
                  "cpu": "100m",
                  "memory": "160Mi"
                },
                "limits": {
                  "memory": "512Mi"
                }
              },
              "properties": {
                "requests": {
                  "type": "object",
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true
                  }
                },
                "limits": {
                  "type": "object",
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true
                  }
                }
              }
            }
          }
        }
      }
    },
    "replicas": {
      "type": "integer",
      "default": 1
    },
    "monitoring": {
      "type": "object",
      "default": {},
      "properties": {
        "podMonitor": {
          "type": "boolean",
          "default": false
        },
        "from": {
          "type": "object",
          "properties": {
            "matchLabels": {
              "type": "object",
              "additionalProperties": {
                "type": "string"
              }
            },
            "matchExpressions": {
              "type": "array",
              "items": {
                "type": "object",
                "required": [
                  "key",
                  "operator"
                ],
                "properties": {
                  "key": {
                    "type": "string"
                  },
                  "operator": {
                    "type": "string",
                    "enum": [
                      "In",
                      "NotIn",
                      "Exists",
                      "DoesNotExist"
                    ]
                  },
                  "values": {
                    "type": "array",
                    "items": {
                      "type": "string"
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
};

export interface TlsServerOptions {
  /** PEM. */
  readonly certificate: string | Buffer;
  /** PEM. */
  readonly privateKey: string | Buffer;
  /** PEM. When given, callers must show a certificate that this authority has signed (mTLS). */
  readonly clientAuthority?: string | Buffer;
}

export interface TlsClientOptions {
  /** PEM of the authority that signed the server's certificate. Default: the well-known ones. */
  readonly authority?: string | Buffer;
  /** PEM. What this client shows of itself (mTLS). */
  readonly certificate?: string | Buffer;
  /** PEM. */
  readonly privateKey?: string | Buffer;
  /** The name that the server's certificate must carry, where it is not the host's. */
  readonly serverName?: string;
}

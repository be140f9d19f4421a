package io.asyncpg.client;

import org.jspecify.annotations.Nullable;

/**
 * What a supplier of OAuth tokens is told: the connection's own words, none of them checked.
 *
 * @param host the server to be connected to
 * @param user the role to log in as
 * @param issuer {@code oauth_issuer}; null if it was not given
 * @param clientId {@code oauth_client_id}; null if it was not given
 * @param clientSecret {@code oauth_client_secret}; null if it was not given
 * @param scope {@code oauth_scope}, separated by spaces; null if it was not given
 */
public record OAuthRequest(
    PgConfig.Host host,
    String user,
    @Nullable String issuer,
    @Nullable String clientId,
    @Nullable String clientSecret,
    @Nullable String scope) {

  /** All but the secret. */
  @Override
  public String toString() {
    return "OAuthRequest[host="
        + host
        + ", user="
        + user
        + ", issuer="
        + issuer
        + ", clientId="
        + clientId
        + ", scope="
        + scope
        + "]";
  }
}

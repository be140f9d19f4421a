package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The addresses of a name, asked of the system's resolver for every attempt to connect and never on
 * an event loop. Those that ask for the same name at the same time share the answer.
 */
final class Lookup {
  private static final Map<String, CompletableFuture<List<InetAddress>>> UNDER_WAY =
      new ConcurrentHashMap<>();

  private Lookup() {}

  /** Whether it is an IPv4 or IPv6 address, with or without a zone: no name to be looked up. */
  static boolean isAddress(String name) {
    return NetUtil.isValidIpV4Address(name) || NetUtil.isValidIpV6Address(name);
  }

  /** All addresses of a TCP host, in the resolver's order; fails with UnknownHostException. */
  static CompletionStage<List<InetAddress>> addresses(PgConfig.Host host) {
    String address = host.address();
    String name = address == null ? host.name() : address;
    if (isAddress(name)) {
      try {
        return CompletableFuture.completedFuture(List.of(InetAddress.getByName(name)));
      } catch (UnknownHostException zoneUnknown) {
        return CompletableFuture.failedFuture(zoneUnknown);
      }
    }
    return UNDER_WAY.computeIfAbsent(name, Lookup::ask);
  }

  private static CompletableFuture<List<InetAddress>> ask(String name) {
    CompletableFuture<List<InetAddress>> answer = new CompletableFuture<>();
    // A thread of its own: a name server that does not answer holds it for many seconds.
    Thread asking =
        new Thread(
            () -> {
              try {
                answer.complete(List.of(InetAddress.getAllByName(name)));
              } catch (Throwable unknown) { // whoever waits for it has to be told
                answer.completeExceptionally(unknown);
              } finally {
                UNDER_WAY.remove(name);
              }
            },
            "asyncpg-lookup " + name);
    asking.setDaemon(true);
    asking.start();
    return answer;
  }
}

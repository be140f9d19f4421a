package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.asyncpg.client.PgConfig;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.RetrySafety;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;

/** Whether the server at the other end of a Unix socket runs as the user wanted: requirepeer. */
final class PeerUser {
  private static final Path USERS = Path.of("/etc/passwd");

  private PeerUser() {}

  /**
   * Asks the operating system who listens.
   *
   * @throws PgConnectionException if it is somebody else, or cannot be told
   */
  static void check(Channel channel, PgConfig.Host host, String wanted) {
    String found;
    try {
      found = name(channel);
    } catch (IOException e) {
      throw refused(host, wanted, "who it is cannot be told: " + e.getMessage(), e);
    }
    if (!wanted.equals(found)) {
      throw refused(host, wanted, found == null ? "who it is cannot be told here" : found, null);
    }
  }

  private static PgConnectionException refused(
      PgConfig.Host host, String wanted, String found, @Nullable Throwable cause) {
    return new PgConnectionException(
        "the server at "
            + host
            + " has to run as the user \""
            + wanted
            + "\" (requirepeer), but: "
            + found,
        RetrySafety.NOT_SENT,
        cause);
  }

  private static @Nullable String name(Channel channel) throws IOException {
    if (channel instanceof NioDomainSocketChannel nio) {
      UnixDomainPrincipal peer =
          nio.config().getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
      return peer == null ? null : peer.user().getName();
    }
    if (EventLoops.Transport.EPOLL.isAvailable()
        && channel instanceof EpollDomainSocketChannel epoll) {
      // The system tells a number, and Java has no other way from it to the name.
      String uid = Integer.toUnsignedString(epoll.peerCredentials().uid());
      for (String line : Files.readAllLines(USERS, UTF_8)) {
        String[] fields = line.split(":", 4); // name:password:uid:…
        if (fields.length == 4 && fields[2].equals(uid)) {
          return fields[0];
        }
      }
      return "the user with the number " + uid;
    }
    return null;
  }
}

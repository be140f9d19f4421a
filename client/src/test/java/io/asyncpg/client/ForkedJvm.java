package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Runs a class in a JVM of its own, with a heap too small for anything that is kept. */
final class ForkedJvm {
  private ForkedJvm() {}

  /** What the class prints. */
  static String run(Path directory, Class<?> main, String heap, String dsn)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                heap,
                "-cp",
                classPath(),
                main.getName(),
                dsn)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(jvm.waitFor(180, TimeUnit.SECONDS)).as("ends in three minutes").isTrue();
      return Files.readString(output);
    } finally {
      jvm.destroyForcibly();
    }
  }

  private static String classPath() {
    String modules = System.getProperty("jdk.module.path", "");
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return modules.isEmpty() ? classes : modules + File.pathSeparator + classes;
  }
}

package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a class in a JVM of its own: with a heap too small for anything that is kept, for one. */
final class ForkedJvm {
  private ForkedJvm() {}

  /** What the class prints. */
  static String run(Path directory, Class<?> main, String heap, String dsn)
      throws IOException, InterruptedException {
    return run(directory, main, List.of(heap), dsn);
  }

  static String run(Path directory, Class<?> main, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", classPath(), main.getName()));
    command.addAll(List.of(arguments));
    Process jvm =
        new ProcessBuilder(command)
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

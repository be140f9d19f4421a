package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Runs a class in a JVM of its own: with a heap too small for anything that is kept, or watched.
 */
public final class ForkedJvm {
  private static final Pattern OF_THE_CLIENT =
      Pattern.compile(
          "(protocol|types|client)[/\\\\]target[/\\\\](classes|[^/\\\\]*\\.jar)$"
              + "|(netty|jspecify|stringprep|saslprep)-[^/\\\\]*\\.jar$");

  private ForkedJvm() {}

  /** What the class prints. */
  static String run(Path directory, Class<?> main, String heap, String dsn)
      throws IOException, InterruptedException {
    return run(directory, List.of(heap), main, dsn);
  }

  /** The same with more than one option of the JVM's. */
  public static String run(Path directory, List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return run(List.of(), directory, javaArguments(options, classPath(), main, arguments));
  }

  /** The same without the jars whose names begin so. */
  static String runWithout(Path directory, List<String> jars, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    String left =
        Arrays.stream(classPath().split(File.pathSeparator))
            .filter(
                jar -> jars.stream().noneMatch(Path.of(jar).getFileName().toString()::startsWith))
            .collect(Collectors.joining(File.pathSeparator));
    return run(List.of(), directory, javaArguments(List.of(), left, main, arguments));
  }

  /** The same with so few file descriptors. */
  static String run(Path directory, int descriptors, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    List<String> limited =
        List.of("sh", "-c", "ulimit -n " + descriptors + " && exec \"$@\"", "sh");
    return run(limited, directory, javaArguments(List.of(), classPath(), main, arguments));
  }

  /** What a JVM with these arguments prints. */
  static String run(Path directory, List<String> arguments)
      throws IOException, InterruptedException {
    return run(List.of(), directory, arguments);
  }

  private static List<String> javaArguments(
      List<String> options, String classPath, Class<?> main, String... arguments) {
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("-cp", classPath, main.getName()));
    all.addAll(List.of(arguments));
    return all;
  }

  private static String run(List<String> shell, Path directory, List<String> arguments)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    List<String> command = new ArrayList<>(shell);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(arguments);
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

  /** The client with what it depends on, as modules. */
  static String modulePath() {
    return Arrays.stream(classPath().split(File.pathSeparator))
        .filter(each -> OF_THE_CLIENT.matcher(each).find())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String classPath() {
    String modules = System.getProperty("jdk.module.path", "");
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return modules.isEmpty() ? classes : modules + File.pathSeparator + classes;
  }
}

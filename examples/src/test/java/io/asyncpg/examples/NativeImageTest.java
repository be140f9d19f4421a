package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.channel.ChannelHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What native-image is told beside the code: which handlers Netty looks at by reflection, and which
 * fields and methods have a handle.
 */
class NativeImageTest {
  private static final String METADATA =
      "/META-INF/native-image/io.asyncpg/asyncpg-client/reflect-config.json";
  private static final Pattern VAR_HANDLE =
      Pattern.compile("findVarHandle\\(\\s*(\\w+)\\.class,\\s*\"(\\w+)\"");

  private static final Pattern STATIC_METHOD =
      Pattern.compile("findStatic\\(\\s*(\\w+)\\.class,\\s*\"(\\w+)\"");

  private final List<String> handlers = new ArrayList<>();
  private final List<String> fields = new ArrayList<>();
  private final List<String> methods = new ArrayList<>();

  private void readMetadata() throws Exception {
    try (var in = NativeImageTest.class.getResourceAsStream(METADATA)) {
      for (JsonNode each : new ObjectMapper().readTree(in)) {
        String name = each.get("name").asText();
        Class<?> type = Class.forName(name, false, NativeImageTest.class.getClassLoader());
        assertThat(each.at("/condition/typeReachable").asText()).isEqualTo(name);
        if (each.path("queryAllPublicMethods").asBoolean()) {
          handlers.add(name);
        }
        for (JsonNode field : each.path("fields")) {
          fields.add(
              type.getSimpleName()
                  + "."
                  + type.getDeclaredField(field.get("name").asText()).getName());
        }
        for (JsonNode method : each.path("methods")) {
          List<Class<?>> parameters = new ArrayList<>();
          for (JsonNode parameter : method.get("parameterTypes")) {
            parameters.add(Class.forName(parameter.asText()));
          }
          methods.add(
              type.getSimpleName()
                  + "."
                  + type.getDeclaredMethod(
                          method.get("name").asText(), parameters.toArray(new Class<?>[0]))
                      .getName());
        }
      }
    }
  }

  @Test
  void everyChannelHandlerIsNamed() throws Exception {
    readMetadata();
    List<String> ours = new ArrayList<>();
    Path classes = Path.of("../client/target/classes");
    try (Stream<Path> files = Files.walk(classes.resolve("io"))) {
      for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
        String path = classes.relativize(file).toString().replace('\\', '/');
        if (!path.endsWith("package-info.class")) {
          Class<?> type =
              Class.forName(
                  path.substring(0, path.length() - ".class".length()).replace('/', '.'),
                  false,
                  NativeImageTest.class.getClassLoader());
          if (ChannelHandler.class.isAssignableFrom(type)) {
            ours.add(type.getName());
          }
        }
      }
    }
    assertThat(ours).hasSizeGreaterThan(3);
    assertThat(handlers).containsExactlyInAnyOrderElementsOf(ours);
  }

  @Test
  void everyFieldWithAVarHandleIsNamed() throws Exception {
    readMetadata();
    List<String> ours = matchesInAllSources(VAR_HANDLE);
    assertThat(ours).hasSizeGreaterThan(3);
    assertThat(fields).containsExactlyInAnyOrderElementsOf(ours);
  }

  @Test
  void everyStaticMethodWithAHandleIsNamed() throws Exception {
    readMetadata();
    List<String> ours = matchesInAllSources(STATIC_METHOD);
    assertThat(ours).hasSizeGreaterThan(1);
    assertThat(methods).containsExactlyInAnyOrderElementsOf(ours);
  }

  private static List<String> matchesInAllSources(Pattern wanted) throws IOException {
    List<String> found = new ArrayList<>();
    for (String module :
        List.of("protocol", "types", "client", "pool", "json-ext", "geometry-ext")) {
      try (Stream<Path> files = Files.walk(Path.of("..", module, "src/main/java"))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          wanted
              .matcher(Files.readString(file))
              .results()
              .map(match -> match.group(1) + "." + match.group(2))
              .forEach(found::add);
        }
      }
    }
    return found;
  }
}

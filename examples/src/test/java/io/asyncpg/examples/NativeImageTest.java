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
 * fields have a VarHandle.
 */
class NativeImageTest {
  private static final String METADATA =
      "/META-INF/native-image/io.asyncpg/asyncpg-client/reflect-config.json";
  private static final Pattern VAR_HANDLE =
      Pattern.compile("findVarHandle\\(\\s*(\\w+)\\.class,\\s*\"(\\w+)\"");

  private final List<String> handlers = new ArrayList<>();
  private final List<String> fields = new ArrayList<>();

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
    List<String> ours = new ArrayList<>();
    for (String module :
        List.of("protocol", "types", "client", "pool", "json-ext", "geometry-ext")) {
      try (Stream<Path> files = Files.walk(Path.of("..", module, "src/main/java"))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          ours.addAll(varHandlesIn(file));
        }
      }
    }
    assertThat(ours).hasSizeGreaterThan(3);
    assertThat(fields).containsExactlyInAnyOrderElementsOf(ours);
  }

  private static List<String> varHandlesIn(Path source) throws IOException {
    return VAR_HANDLE
        .matcher(Files.readString(source))
        .results()
        .map(found -> found.group(1) + "." + found.group(2))
        .toList();
  }
}

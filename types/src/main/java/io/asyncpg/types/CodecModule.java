package io.asyncpg.types;

import java.lang.reflect.Type;
import java.util.List;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * What an application or an extension jar brings. Asked with a PostgreSQL type and the Java type
 * wanted or given, so that one module can serve an open family: every class Jackson can bind, every
 * enum. Asked from any thread; the registry remembers the answers.
 */
@FunctionalInterface
public interface CodecModule {
  /**
   * The codec for this pair, if this module has one.
   *
   * @param type the PostgreSQL type
   * @param javaType the Java type to read, or the class of the value to write; null for the type's
   *     default
   * @return the codec, or null to leave the pair to the modules before this one
   */
  @Nullable Codec<?> codec(PgType type, @Nullable Type javaType);

  /**
   * All that the jars of this application offer as a service, as one module. Nothing looks for them
   * unless this is called; where two serve the same pair, which one answers is not said.
   *
   * @return those that {@link ServiceLoader} finds now, with the thread's context class loader
   */
  static CodecModule discovered() {
    List<CodecModule> found =
        ServiceLoader.load(CodecModule.class).stream().map(ServiceLoader.Provider::get).toList();
    return (type, javaType) -> {
      for (CodecModule module : found) {
        Codec<?> codec = module.codec(type, javaType);
        if (codec != null) {
          return codec;
        }
      }
      return null;
    };
  }
}

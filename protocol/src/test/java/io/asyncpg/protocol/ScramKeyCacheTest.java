package io.asyncpg.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

final class ScramKeyCacheTest {
  private static final byte[] SALT = {1, 2, 3};

  @Test
  void thePasswordIsHashedOnce() {
    ScramKeyCache cache = new ScramKeyCache(4);
    assertThat(cache.ready("pencil", SALT, 10)).isNull();
    ScramKeys keys = cache.keys("pencil", SALT, 10);
    assertThat(cache.ready("pencil", SALT, 10)).isSameAs(keys);
    assertThat(cache.keys("pencil", SALT.clone(), 10)).isSameAs(keys);
    assertThat(keys.storedKey()).isEqualTo(ScramKeys.derive("pencil", SALT, 10).storedKey());
  }

  @Test
  void anotherPasswordSaltOrCountIsAnotherEntry() {
    ScramKeyCache cache = new ScramKeyCache(8);
    ScramKeys keys = cache.keys("pencil", SALT, 10);
    assertThat(cache.keys("pencil2", SALT, 10)).isNotSameAs(keys);
    assertThat(cache.keys("pencil", new byte[] {1, 2, 4}, 10)).isNotSameAs(keys);
    assertThat(cache.keys("pencil", SALT, 11)).isNotSameAs(keys);
    assertThat(cache.ready("penci", new byte[] {'l', 1, 2, 3}, 10)).isNull();
    assertThat(cache).hasToString("ScramKeyCache[4 of 8]");
  }

  @Test
  void theEntryUnusedForLongestGoesFirst() {
    ScramKeyCache cache = new ScramKeyCache(2);
    ScramKeys first = cache.keys("first", SALT, 1);
    cache.keys("second", SALT, 1);
    assertThat(cache.ready("first", SALT, 1)).isSameAs(first);
    cache.keys("third", SALT, 1);
    assertThat(cache.ready("first", SALT, 1)).isSameAs(first);
    assertThat(cache.ready("second", SALT, 1)).isNull();
    assertThat(cache).hasToString("ScramKeyCache[2 of 2]");
  }

  @Test
  void aFailureIsNotKept() {
    ScramKeyCache cache = new ScramKeyCache(2);
    assertThatThrownBy(() -> cache.keys("pencil", SALT, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(cache.ready("pencil", SALT, 0)).isNull();
    assertThat(cache).hasToString("ScramKeyCache[0 of 2]");
  }

  @Test
  void aHundredConnectionsThatStartTogetherShareOneHash() throws Exception {
    ScramKeyCache cache = new ScramKeyCache(4);
    CountDownLatch start = new CountDownLatch(1);
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try {
      List<Future<ScramKeys>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        answers.add(
            threads.submit(
                () -> {
                  start.await();
                  return cache.keys("pencil", SALT, 20_000);
                }));
      }
      start.countDown();
      ScramKeys keys = answers.get(0).get();
      for (Future<ScramKeys> answer : answers) {
        assertThat(answer.get()).isSameAs(keys);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aCacheForNothingIsRefused() {
    assertThatThrownBy(() -> new ScramKeyCache(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("capacity");
  }
}

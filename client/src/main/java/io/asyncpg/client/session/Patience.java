package io.asyncpg.client.session;

/**
 * Whether what is likely to come may be waited for. When it has not come, the next answers are read
 * as they come: twice as many each time, and half as many again where long nothing disappointed.
 */
final class Patience {
  private static final int LONGEST_PAUSE = 1 << 16;

  /** So many times the pause without a disappointment, and the next pause is half as long. */
  private static final int GOOD_TIMES = 16;

  private int pause = 1;
  private int answersToPass;
  private int answersSince;

  boolean isExhausted() {
    return answersToPass > 0;
  }

  /** An answer is complete. */
  void answered() {
    if (answersToPass > 0) {
      answersToPass--;
    } else if (pause > 1 && ++answersSince >= GOOD_TIMES * pause) {
      answersSince = 0;
      pause /= 2;
    }
  }

  void disappointed() {
    answersToPass = pause;
    answersSince = 0;
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

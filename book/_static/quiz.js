// Counts the quiz: each choice is a <details>; opening one marks it, and the first try of a question scores.
document.addEventListener("DOMContentLoaded", () => {
  const questions = document.querySelectorAll(".quiz-question");
  const score = document.querySelector(".quiz-score");
  if (!score) return;
  const first = new Map();
  score.setAttribute("aria-live", "polite");
  const tell = () => {
    const right = [...first.values()].filter(Boolean).length;
    score.textContent = `${right} right at the first try, ${first.size} of ${questions.length} answered.`;
  };
  questions.forEach((question) => question.querySelectorAll("details").forEach((choice) => {
    choice.addEventListener("toggle", () => {
      if (!choice.open) return;
      choice.classList.add("opened");
      if (!first.has(question)) first.set(question, choice.classList.contains("quiz-right"));
      tell();
    });
  }));
  tell();
});

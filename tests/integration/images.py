# Why: see images.sh. The sandbox's tenants tell a commit; its registry knows that commit by the tag
# of its build.
from stack import main, stack, wait_for

PLATFORM = "image/molecule-ai/platform"


def looks(s, words, subject=PLATFORM):
    rows = s.api("/api/v1/probes/image_drift/results?limit=500&subject="
                 + subject.replace("/", "%2F"))["results"]
    return [row for row in rows if words in row["evidence"]]


def who_drifted(t):
    with stack() as s:
        s.all_seen()
        agree = wait_for("tenants that tell", lambda: looks(s, "tenants that tell run it"))
        t("receipt or not, tag and tenants agree", agree[0]["health"] == "healthy", agree[0])
        s.fault("registry_push", repository="molecule-ai/platform-tenant")
        twin = wait_for("tenants beside the tag", lambda: looks(
            s, "the tenants drifted", PLATFORM + "-tenant"))
        t("no receipt: the tenants are beside the tag",
          (twin[0]["health"], twin[0]["reason"]) == ("degraded", "running_differs"), twin[0])
        hermes = "image/molecule-ai/workspace-template-hermes"
        s.fault("registry_push", repository="molecule-ai/workspace-template-hermes")
        moved = wait_for("a template that moved", lambda: looks(s, "; the receipt says", hermes))
        t("a template is compared two ways", moved[0]["reason"] == "drift"
          and "tenant" not in moved[0]["evidence"], moved[0])


def lost_registry(t):
    with stack() as s:
        s.all_seen()
        s.fault("registry", mode="401")
        wait_for("the loss", lambda: s.symptoms_of("registry"))
        raised = [row["subject"] for row in s.symptoms()]
        t("one symptom for the whole registry", raised == ["registry"], raised)
        images = s.subjects("image")
        t("images are unknown, not drifted", len(images) == 6 and
          {row["health"] for row in images.values()} == {"unknown"}, images)
        s.fault("registry", mode="ok")
        wait_for("the end of the loss", lambda: not s.symptoms_of("registry"))
        t("it clears when the registry answers", True)


if __name__ == "__main__":
    main([who_drifted, lost_registry])

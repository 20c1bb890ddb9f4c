from transcoder.net.health import Health, health_report, run_checks


def test_all_checks_passing_is_200_with_their_facts():
    findings = run_checks({"node": lambda: Health(True, {"height": 7})})
    assert health_report("verifier", findings) == (
        200,
        {"service": "verifier", "status": "ok", "checks": {"node": {"ok": True, "height": 7}}},
    )


def test_one_failing_check_is_503():
    status, body = health_report("a", {"one": Health(True), "two": Health(False)})
    assert (status, body["status"]) == (503, "failing")


def test_a_check_that_raises_has_failed_with_its_error_as_the_reason():
    def check():
        raise OSError("disk gone")

    assert run_checks({"disk": check}) == {"disk": Health(False, {"error": "OSError: disk gone"})}


def test_a_stopping_service_is_not_healthy():
    assert health_report("a", {}, stopping=True)[0] == 503
